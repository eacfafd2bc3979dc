"""The commands that end by themselves: migrate, config, token, users make-admin."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest

from taskwell import __version__
from taskwell.database.schema import HEAD
from tests.cli.command import Serving, Visitor, refusal, serving, taskwell
from tests.support import postgres


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, used_data_dir: Path, copy_data: Callable[[Path], Path]
) -> Iterator[Serving]:
    """A server on an embedded database, where somebody has signed up."""
    folder = tmp_path_factory.mktemp("running")
    copy_data(folder / "data")
    with serving(folder) as server:
        with Visitor(server.url) as me:
            me.signs_up()
        yield server


def data_of(running: Serving) -> dict[str, str]:
    return {"TASKWELL_DATA_DIR": str(running.folder / "data")}


def test_it_says_its_version(tmp_path: Path) -> None:
    done = taskwell("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"taskwell {__version__}\n")


def test_help_lists_every_command(tmp_path: Path) -> None:
    done = taskwell("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert re.findall(r"^  ([a-z]+) +\S", done.stdout.partition("Commands:")[2], re.MULTILINE) == [
        "serve",
        "migrate",
        "config",
        "backup",
        "restore",
        "purge",
        "export",
        "import",
        "token",
        "users",
        "tokens",
        "keys",
    ]


def test_config_shows_every_setting_and_where_it_came_from_but_no_secret(tmp_path: Path) -> None:
    row = {"preset": "supabase", "address": "https://a.example", "algorithms": ["HS256"]}
    issuers = json.dumps([row | {"secret": "pa55word-Ohb0eiPh4ahfeiNg9aexah7eeKie3tho"}])
    given = {
        "TASKWELL_PORT": "8123",
        "TASKWELL_SIGNING_KEY": "qv3yU8rTzB1nXw0kLhE5dJc7sGm2aPf9oRi4tVb6uYI",
        "TASKWELL_TRUSTED_PROXIES": "10.0.0.0/8,::1",
        "TASKWELL_ISSUERS": issuers,
        "TASKWELL_REGISTRATION": "closed",
    }
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    done = taskwell("config", cwd=tmp_path, DATABASE_URL="postgresql://me:pa55word@db.example.com/tasks", TASKWELL_WORKERS="3")
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert lines["TASKWELL_PORT"] == ["8123", ".env"]
    assert lines["TASKWELL_WORKERS"] == ["3", "environment"]
    assert lines["TASKWELL_HOST"] == ["127.0.0.1", "default"]
    assert lines["TASKWELL_SIGNING_KEY"] == ["********", "environment"]  # which goes before .env
    assert lines["DATABASE_URL"] == ["postgresql://me:********@db.example.com:5432/tasks?sslmode=verify-full", "environment"]
    assert lines["TASKWELL_ACCESS_TOKEN_SECONDS"] == ["900", "default"]
    assert lines["TASKWELL_REGISTRATION"] == ["closed", ".env"]
    assert lines["TASKWELL_TRUSTED_PROXIES"] == ["10.0.0.0/8,::1/128", ".env"]
    assert lines["TASKWELL_ISSUERS"] == ["supabase", "(https://a.example/auth/v1)", ".env"]
    assert (lines["TASKWELL_AUTH"], lines["TASKWELL_AUTH_NONE_BEHIND_GATEWAY"]) == (["token", "default"], ["no", "default"])
    assert "pa55word" not in done.stdout
    assert "qv3yU8" not in done.stdout


def test_migrate_makes_the_tables_and_may_be_repeated(tmp_path: Path, empty_database: str) -> None:
    for _ in range(2):
        done = taskwell("migrate", cwd=tmp_path, DATABASE_URL=empty_database)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"The schema is at {HEAD}.\n", "")
    assert len(postgres.query(empty_database, "SELECT epoch FROM instance")) == 1


def test_migrate_leaves_a_schema_from_the_future_alone(tmp_path: Path, own_database: str) -> None:
    postgres.run(own_database, "UPDATE alembic_version SET version_num = '9999'")
    done = taskwell("migrate", cwd=tmp_path, DATABASE_URL=own_database)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The schema is newer than this version of Taskwell: nothing to do.\n"


def test_migrate_says_in_one_line_what_the_database_refuses(tmp_path: Path, empty_database: str) -> None:
    postgres.run(empty_database, "CREATE TABLE instance (taken int)")
    assert "refuses to be migrated" in refusal(taskwell("migrate", cwd=tmp_path, DATABASE_URL=empty_database))


def test_migrate_takes_the_direct_url_where_the_ordinary_one_leads_to_a_pooler(tmp_path: Path, empty_database: str) -> None:
    pooled = "postgresql://me:secret@ep-cool-1-pooler.eu-central-1.aws.neon.tech/tasks?sslmode=require&channel_binding=require"
    said = refusal(taskwell("migrate", cwd=tmp_path, DATABASE_URL=pooled))
    assert "set DATABASE_DIRECT_URL" in said
    assert "without '-pooler' in its host" in said
    assert "secret" not in said
    said = refusal(taskwell("migrate", cwd=tmp_path, DATABASE_URL=pooled, DATABASE_DIRECT_URL=pooled))
    assert said.startswith("DATABASE_DIRECT_URL leads to a pooler")
    done = taskwell("migrate", cwd=tmp_path, DATABASE_URL=pooled, DATABASE_DIRECT_URL=empty_database)
    assert done.stdout == f"The schema is at {HEAD}.\n"


def test_migrate_says_one_line_when_the_database_cannot_be_reached(tmp_path: Path) -> None:
    said = refusal(taskwell("migrate", cwd=tmp_path, DATABASE_URL="postgresql://me:secret@127.0.0.1:1/tasks"))
    assert said.startswith("the database cannot be reached for migrating: ")
    assert "secret" not in said


def test_migrate_brings_the_embedded_database_to_its_head_too(tmp_path: Path, copy_data: Callable[[Path], Path]) -> None:
    data = copy_data(tmp_path / "data")
    done = taskwell("migrate", cwd=tmp_path, TASKWELL_DATA_DIR=str(data))
    assert (done.returncode, done.stdout) == (0, f"The schema is at {HEAD}.\n")


@pytest.mark.parametrize(("ttl", "seconds"), [(None, 3600), ("90s", 90), ("15m", 900), ("24h", 86400)])
def test_a_token_from_the_shell_works_while_the_server_runs(running: Serving, ttl: str | None, seconds: int) -> None:
    words = ["token", "ME@example.com", *(["--ttl", ttl] if ttl else [])]
    done = taskwell(*words, cwd=running.folder, **data_of(running))
    assert (done.returncode, done.stderr) == (0, "")
    with Visitor(running.url) as me:
        answer = me.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {done.stdout.strip()}"})
        assert answer.json()["email"] == "me@example.com"
    claims = jwt.decode(done.stdout.strip(), options={"verify_signature": False})
    assert 0 <= claims["iat"] + seconds - claims["exp"] < 1  # the one is cut to whole seconds


def test_a_token_made_while_no_server_runs_works_when_one_does(home: Path) -> None:
    data = {"TASKWELL_DATA_DIR": str(home / "data")}
    with serving(home) as server, Visitor(server.url) as me:
        me.signs_up()
    done = taskwell("token", "me@example.com", cwd=home, **data)
    assert (done.returncode, done.stderr) == (0, "")
    with serving(home) as server, Visitor(server.url) as me:
        me.headers["Authorization"] = f"Bearer {done.stdout.strip()}"
        me.adds("x")


@pytest.mark.parametrize("ttl", ["0s", "25h", "1d", "-1h", "1", "", "1.5h", "٣h"])
def test_a_bad_lifetime_is_refused(tmp_path: Path, ttl: str) -> None:
    done = taskwell("token", "me@example.com", f"--ttl={ttl}", cwd=tmp_path, TASKWELL_DATA_DIR=str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "must be like 90s, 15m or 1h, and 24h at most" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_an_unknown_address_is_named(running: Serving) -> None:
    done = taskwell("token", "nobody@example.com", cwd=running.folder, **data_of(running))
    assert refusal(done) == "There is no account nobody@example.com: name it by its e-mail address or its id."


def test_make_admin_lets_an_account_read_what_others_have(running: Serving) -> None:
    with (
        Visitor(running.url, "boss@example.com") as boss,
        Visitor(running.url, "worker@example.com") as worker,
    ):
        boss.signs_up()
        boss.signs_in()
        where = f"/api/v1/users/{worker.signs_up()}/tasks"
        assert boss.get(where).status_code == 404
        done = taskwell("users", "make-admin", "Boss@example.com", cwd=running.folder, **data_of(running))
        assert (done.returncode, done.stdout, done.stderr) == (0, "Boss@example.com is an administrator.\n", "")
        assert boss.get(where).status_code == 404  # by the sign-in from before, which has not the scope
        boss.signs_in()
        assert boss.get(where).status_code == 200
        assert boss.get("/api/v1/auth/me").json()["is_admin"] is True


def test_what_a_command_prints_is_only_its_answer_also_on_a_newer_schema(tmp_path: Path, own_database: str) -> None:
    with serving(tmp_path, "--workers", "1", DATABASE_URL=own_database) as server, Visitor(server.url) as me:
        me.signs_up()
    postgres.run(own_database, "UPDATE alembic_version SET version_num = '9999'")
    done = taskwell("token", "me@example.com", cwd=tmp_path, DATABASE_URL=own_database, TASKWELL_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == 0
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", done.stdout)
