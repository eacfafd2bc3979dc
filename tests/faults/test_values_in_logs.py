"""Nothing that a client sent stands in a log when a statement fails: not in PostgreSQL's, and not in ours."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from taskwell import observability
from taskwell.accounts.statements import CHANGE_EMAIL
from taskwell.database import url
from taskwell.database.connection import _without_values
from taskwell.database.embedded import EmbeddedPostgres
from taskwell.database.migrate import migrate
from taskwell.tasks.requests import NewTask
from taskwell.tasks.statements import CREATE_TASK, TASK
from tests.conftest import settings_for
from tests.support.cast import PASSWORD
from tests.support.errors import assert_error
from tests.support.logged import as_before
from tests.support.server import serve
from tests.support.signed_in import ME, TASKS, Account, browser, sign_in, sign_up

MARK = "7f3amarker"
ID = UUID("7f3a7f3a-7f3a-7f3a-7f3a-7f3a7f3a7f3a")


async def _fails(database_url: str, user_id: UUID) -> list[str]:
    """Every kind of failure that a statement can have, by itself; and what of it would be logged."""
    connection = await asyncpg.connect(**url.parse(database_url).arguments())
    logged = []
    content = TASK.content.given_by(NewTask(title=MARK))
    task = {name: content[name] for name in content.keys() & CREATE_TASK.arguments} | {
        "owner": user_id,
        "issued_at": None,
        "task_id": ID,
        "tag_head": "",
    }
    email = {"owner": user_id, "issued_at": None, "checked_hash": "none", "has_display_name": False, "display_name": None}
    email |= {"has_time_zone": False, "time_zone": None, "email": f"{MARK}@example.com", "email_key": f"{MARK}@example.com"}
    await connection.execute("UPDATE users SET password_hash = 'none' WHERE id = $1", user_id)
    tries = [
        (CREATE_TASK, task | {"title": "", "description": MARK}),  # a check
        (CREATE_TASK, task | {"title": MARK * 30, "description": None}),  # too long
        (CREATE_TASK, task | {"title": None, "description": MARK}),  # NOT NULL
        (CHANGE_EMAIL, email),  # a taken address: what two who change at the same moment meet
    ]
    for statement, arguments in tries:
        try:
            await connection.fetchrow(statement.sql, *statement.values(arguments))
        except asyncpg.PostgresError as error:
            logged.append(_without_values(error))
    for sql in (
        f"SELECT '{MARK}' FROM nowhere",  # a statement's own text
        f"INSERT INTO sessions SELECT '{ID}', '{ID}', '{MARK}', NULL, NULL, '{MARK}', now(), now(), now()",  # a foreign key
        f"SET LOCAL statement_timeout = 50; SELECT pg_sleep(9), '{MARK}'",
    ):
        try:
            await connection.execute(sql)
        except asyncpg.PostgresError as error:
            logged.append(_without_values(error))
    await connection.close()
    return logged


@pytest.fixture
def logged_here(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """The log goes to this test's own stderr, which is closed after it."""
    observability.configure("text", "debug")
    yield
    as_before()


@pytest.mark.usefixtures("logged_here")
def test_no_failure_of_a_statement_leaves_a_value_in_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedPostgres.start(tmp_path, options={"fsync": "off"}) as database:
        asyncio.run(migrate(url.parse(database.url)))
        settings = settings_for(database.url, tmp_path, log_level="debug")
        with serve(settings) as server, browser(server) as client:
            dora = sign_up(server)
            new = {"email": f"{MARK}@example.com", "password": PASSWORD}
            marked = client.post("/api/v1/auth/register", json=new).json()
            with sign_in(server, Account(UUID(marked["id"]), new["email"])) as marked_one, sign_in(server, dora) as person:
                # Outcomes, and no errors of PostgreSQL's.
                assert_error(client.post("/api/v1/auth/register", json=new), 409, "email_taken")
                assert_error(person.patch(ME, json=new), 409, "email_taken")
                assert marked_one.post(TASKS, json={"id": str(ID), "title": MARK}).status_code == 201
                before = marked_one.get(TASKS)
                assert marked_one.post(TASKS, json={"id": str(ID), "title": MARK}).status_code == 200
                assert_error(marked_one.post(TASKS, json={"id": str(ID), "title": "another"}), 409, "task_id_taken")
                after = marked_one.get(TASKS)
                assert (after.headers["etag"], after.text) == (before.headers["etag"], before.text)
                _race(client)
        quiet = (tmp_path / "postgresql.log").read_text()
        assert "ERROR:" not in quiet
        logged = asyncio.run(_fails(database.url, dora.id))
    assert len(logged) == 7
    said = (tmp_path / "postgresql.log").read_text()
    assert said.count("ERROR:") == 7
    ours = "".join(capsys.readouterr()) + " ".join(logged)
    assert "users_email_key" in ours
    for text in (said, ours):
        assert MARK not in text
        assert str(ID) not in text
        assert "DETAIL" not in text


def _race(client: httpx.Client) -> None:
    """Two sign up with one address at the same moment."""
    for _ in range(3):
        new = {"email": f"{MARK}-{uuid4().hex[:6]}@example.com", "password": PASSWORD}
        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(lambda _, new=new: client.post("/api/v1/auth/register", json=new), range(2)))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
