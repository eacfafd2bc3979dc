"""A database that Taskwell cannot work on is refused before it serves, in one line that says what to do."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest

from tests.cli.command import free_port, refusal, taskwell
from tests.support import postgres

FOREIGN = ("CREATE TABLE alembic_version (version_num varchar(32))", "INSERT INTO alembic_version VALUES ('ae1027a6acf0')")


COMMANDS = ["serve", "migrate", "users list"]


def refused_by(command: str, folder: Path, database_url: str, **more: str) -> str:
    words = ["serve", "--port", str(free_port())] if command == "serve" else command.split()
    return refusal(taskwell(*words, cwd=folder, DATABASE_URL=database_url, **more))


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_another_applications_database_is_left_alone(tmp_path: Path, empty_database: str, command: str) -> None:
    postgres.run(empty_database, *FOREIGN, "CREATE TABLE instance (id int)")
    said = refused_by(command, tmp_path, empty_database)
    assert "belongs to another application (its alembic_version is 'ae1027a6acf0'" in said
    assert said.endswith("give Taskwell a database of its own")
    assert postgres.query(empty_database, "SELECT to_regclass('users') AS users")[0]["users"] is None


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_an_encoding_that_cannot_keep_every_text_is_refused(tmp_path: Path, postgres_url: str, encoding: str) -> None:
    name = f"test_{uuid4().hex}"
    postgres.run(
        postgres_url,
        f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0",
    )
    try:
        for command in ("serve", "migrate"):
            said = refused_by(command, tmp_path, postgres.at(postgres_url, name))
            assert said.startswith(f"the database's encoding is {encoding}, which cannot keep every text: make another one")
    finally:
        postgres.drop(postgres_url, name)


def a_role_that_can_lose(database_url: str) -> str:
    """The name of the role that the tests have on this server."""
    role, is_superuser = postgres.query(
        database_url, "SELECT rolname::text, rolsuper FROM pg_roles WHERE rolname = current_user"
    )[0]
    if is_superuser:
        pytest.skip("nothing can be taken from a superuser")
    return str(role)


def test_a_grant_that_is_missing_is_named_before_anything_serves(tmp_path: Path, own_database: str) -> None:
    role = a_role_that_can_lose(own_database)
    postgres.run(own_database, f"REVOKE INSERT, UPDATE ON tasks FROM {role}")
    said = refused_by("serve", tmp_path, own_database)
    assert said == f"the role {role} lacks INSERT, UPDATE on tasks: GRANT INSERT, UPDATE ON tasks TO {role}"


def test_a_role_that_may_make_no_tables_is_told_the_grant(tmp_path: Path, empty_database: str) -> None:
    """As is every role but the owner of the database, since PostgreSQL 15."""
    role = a_role_that_can_lose(empty_database)
    postgres.run(empty_database, f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}, pg_database_owner")
    said = refused_by("migrate", tmp_path, empty_database)
    assert "permission denied for schema public" in said
    assert said.endswith(f"GRANT CREATE ON SCHEMA public TO {role}, as the owner of the database")


def test_a_database_without_a_schema_to_make_tables_in_is_named_with_what_mends_it(tmp_path: Path, empty_database: str) -> None:
    postgres.run(empty_database, "DROP SCHEMA public")
    said = refused_by("migrate", tmp_path, empty_database)
    assert "no schema has been selected to create in: CREATE SCHEMA public, as the owner of the database" in said


@pytest.mark.parametrize("command", ["serve --wait 1", "migrate"])
def test_an_empty_database_that_only_reads_is_not_one_to_migrate(tmp_path: Path, empty_database: str, command: str) -> None:
    name = postgres.query(empty_database, "SELECT current_database() AS name")[0]["name"]
    postgres.run(empty_database, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    done = taskwell(*command.split(), cwd=tmp_path, DATABASE_URL=empty_database, TASKWELL_PORT=str(free_port()))
    assert done.returncode == 1
    assert "the database only reads (a standby, or default_transaction_read_only = on): name" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_role_that_may_not_connect_is_told_the_grant(tmp_path: Path, own_database: str, command: str) -> None:
    role = a_role_that_can_lose(own_database)
    name = postgres.query(own_database, "SELECT current_database() AS name")[0]["name"]
    postgres.run(own_database, f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC, {role}")
    said = refused_by(command, tmp_path, own_database)
    assert f'permission denied for database "{name}"' in said
    assert said.endswith(f" GRANT CONNECT ON DATABASE {name} TO {role}")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("place", "line"), [(".pgpass", b"db.example.com:5432:tasks:me"), ("elsewhere", "# für alle".encode("latin-1"))]
)
def test_a_file_of_passwords_that_cannot_be_read_is_named(tmp_path: Path, command: str, place: str, line: bytes) -> None:
    file = tmp_path / place
    file.write_bytes(line + b"\n*:*:*:*:secret\n")
    file.chmod(0o600)
    at = {"HOME": str(tmp_path)} if place == ".pgpass" else {"PGPASSFILE": str(file)}
    said = refused_by(command, tmp_path, f"postgresql://me@127.0.0.1:{free_port()}/tasks", **at)
    named = "~/.pgpass" if place == ".pgpass" else str(file)
    assert said.endswith(f": {named} cannot be read: each line must be host:port:database:user:password, in UTF-8")


@contextmanager
def asking_for(method: int) -> Iterator[str]:
    """The URL of a server that asks each client to prove its name in this way."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                with client:
                    client.recv(1024)
                    client.sendall(b"R" + (8).to_bytes(4, "big") + method.to_bytes(4, "big"))
                    client.recv(1024)

        Thread(target=answer, daemon=True).start()
        yield f"postgresql://me:secret@127.0.0.1:{listening.getsockname()[1]}/tasks"
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("method", [7, 6], ids=["gss", "scm"])
def test_a_way_to_sign_in_that_is_not_known_is_said_in_one_line(tmp_path: Path, command: str, method: int) -> None:
    with asking_for(method) as there:
        assert refused_by(command, tmp_path, there).startswith("the database cannot be reached")


@pytest.mark.parametrize("command", [*COMMANDS, "config"])
def test_a_url_that_is_not_utf_8_is_refused_in_one_line(tmp_path: Path, command: str) -> None:
    assert refused_by(command, tmp_path, os.fsdecode(b"postgresql://m\xfcller:p@localhost/d")) == (
        "DATABASE_URL (environment) is not UTF-8"
    )
