"""Whatever PostgreSQL refuses is no 500: it is the client's value, or it is 503 until the operator has mended it."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from asyncpg import exceptions

from taskwell.database.constraints import MEANING, UNREACHABLE
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import Person, person
from tests.support.errors import assert_error
from tests.support.server import RunningServer, serve
from tests.support.signed_in import signed_in

TASKS = "/api/v1/tasks"
OUR_OWN_DEFECTS = {"42601", "21000"}


@pytest.fixture
def own_server(own_database: str, tmp_path: Path) -> Iterator[RunningServer]:
    with serve(settings_for(own_database, tmp_path)) as running:
        yield running


@pytest.fixture
def dana(own_server: RunningServer, own_database: str) -> Iterator[Person]:
    with person(own_server, own_database, "dana") as somebody:
        yield somebody


def sqlstates() -> set[str]:
    """Of every error that asyncpg has a class for."""
    classes = [one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, asyncpg.PostgresError)]
    return {state for one in classes if (state := getattr(one, "sqlstate", None)) and len(state) == 5}


def test_no_error_of_postgresql_is_a_500_but_our_own_defects(dana: Person, own_database: str) -> None:
    postgres.run(
        own_database,
        "CREATE TABLE trouble (sqlstate text)",
        "INSERT INTO trouble VALUES ('00000')",
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'it fails' USING ERRCODE = (SELECT sqlstate FROM trouble); END $$",
        "CREATE TRIGGER fail BEFORE INSERT ON tasks EXECUTE FUNCTION fail()",
    )
    states = sorted(sqlstates() - OUR_OWN_DEFECTS)
    assert len(states) > 200
    answers = {}
    for state in states:
        postgres.query(own_database, "UPDATE trouble SET sqlstate = $1", state)
        answers[state] = dana.post(TASKS, json={"title": "x"}).status_code
    assert {state: status for state, status in answers.items() if status not in (400, 409, 503)} == {}
    assert (answers["22P05"], answers["42501"], answers["42P01"]) == (400, 503, 503)
    postgres.run(own_database, "DROP TRIGGER fail ON tasks")
    assert dana.post(TASKS, json={"title": "x"}).status_code == 201


PLANTS = {
    "users_email_key": (
        "BEFORE UPDATE OF email_key ON users",
        "INSERT INTO users (id, email_key, time_zone) VALUES (gen_random_uuid(), NEW.email_key, 'UTC')",
    ),
    "tasks_user_id_fkey": ("BEFORE INSERT ON tasks", "NEW.user_id = gen_random_uuid()"),
    "tasks_title_check": ("BEFORE INSERT ON tasks", "NEW.title = ''"),
    "tasks_completed_at_check": ("BEFORE INSERT ON tasks", "NEW.completed_at = clock_timestamp()"),
    "api_tokens_hash_key": (
        "BEFORE INSERT ON api_tokens",
        "IF pg_trigger_depth() = 1 THEN INSERT INTO api_tokens VALUES (NEW.*); NEW.id = gen_random_uuid(); END IF",
    ),
}
"""By constraint: what makes it fail, where a request alone would have to come in one very moment."""


@pytest.mark.parametrize(
    ("constraint", "status", "code", "field"),
    [
        ("users_email_key", 409, "email_taken", None),
        ("tasks_user_id_fkey", 401, "account_unusable", None),
        ("tasks_title_check", 400, "invalid_input", "title"),
        ("tasks_completed_at_check", 400, "invalid_input", None),  # of those that no request can fail, and still no 500
        ("api_tokens_hash_key", 503, "database_unavailable", None),
    ],
)
def test_a_constraint_that_fails_is_an_error_of_the_domain(
    own_server: RunningServer, own_database: str, constraint: str, status: int, code: str, field: str | None
) -> None:
    when, what = PLANTS[constraint]
    with signed_in(own_server) as who:
        before = who.get("/api/v1/auth/me").json()
        postgres.run(
            own_database,
            f"CREATE FUNCTION plant() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what}; RETURN NEW; END $$",
            f"CREATE TRIGGER plant {when} FOR EACH ROW EXECUTE FUNCTION plant()",
        )
        answer = {
            "users": lambda: who.patch("/api/v1/auth/me", json={"email": "new@example.com", "password": who.password}),
            "tasks": lambda: who.post(TASKS, json={"title": "x"}),
            "api_tokens": lambda: who.post(
                "/api/v1/auth/tokens", json={"name": "x", "scopes": ["tasks:read"], "expires_in_days": 1}
            ),
        }[when.rpartition(" ")[2]]()
        details = assert_error(answer, status, code)
        if field is not None:
            wrong = {"location": "body", "field": field, "code": "not_storable", "message": "cannot be stored"}
            assert details == {"fields": [wrong]}
        assert who.get("/api/v1/auth/me").json() == before
        assert who.get(TASKS).json()["items"] == []


def test_every_constraint_of_the_schema_has_a_meaning_or_a_reason_to_have_none(own_database: str) -> None:
    """Also those that PostgreSQL names by itself."""
    there = postgres.query(
        own_database,
        "SELECT conname::text FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f', 'c') "
        "AND conrelid <> 'alembic_version'::regclass UNION SELECT relname::text FROM pg_index JOIN pg_class ON oid = indexrelid "
        "WHERE indisunique AND relnamespace = 'public'::regnamespace AND indrelid <> 'alembic_version'::regclass",
    )
    assert {name for (name,) in there} == MEANING.keys() | UNREACHABLE.keys()
    assert not MEANING.keys() & UNREACHABLE.keys()


@pytest.mark.parametrize(
    ("trouble", "remedy"),
    [
        ("ALTER TABLE tasks RENAME TO gone", "ALTER TABLE gone RENAME TO tasks"),
        ("ALTER TABLE tasks RENAME COLUMN title TO gone", "ALTER TABLE tasks RENAME COLUMN gone TO title"),
        ("ALTER SCHEMA public RENAME TO gone", "ALTER SCHEMA gone RENAME TO public"),
        ("REVOKE ALL ON tasks FROM {role}", "GRANT ALL ON tasks TO {role}"),
        ("REVOKE INSERT ON tasks FROM {role}", "GRANT INSERT ON tasks TO {role}"),
    ],
)
def test_what_an_operator_breaks_is_503_and_not_ready_until_it_is_mended(
    dana: Person, own_database: str, trouble: str, remedy: str
) -> None:
    role, is_superuser = postgres.query(
        own_database, "SELECT rolname::text, rolsuper FROM pg_roles WHERE rolname = current_user"
    )[0]
    if is_superuser and "{role}" in trouble:
        pytest.skip("nothing can be taken from a superuser")
    task = dana.creates("there")
    assert dana.get("/readyz").status_code == 200
    postgres.run(own_database, trouble.format(role=role))
    try:
        assert_error(dana.post(TASKS, json={"title": "x"}), 503, "database_unavailable")
        # The answer from before, which was good, is not given again.
        assert_error(dana.get("/readyz"), 503, "database_unavailable")
    finally:
        postgres.run(own_database, remedy.format(role=role))
    assert dana.get("/readyz").status_code == 200
    assert dana.get(TASKS).json()["items"] == [task]
    assert dana.post(TASKS, json={"title": "x"}).status_code == 201
