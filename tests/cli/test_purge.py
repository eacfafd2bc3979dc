"""What is too old for the trash: `taskwell purge`, and a few records with each deletion of the same user."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from taskwell.records.store import PURGED_WITH_A_DELETION
from tests.cli.command import Command, taskwell
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.labels import LABELS, label_of
from tests.support.lists import LISTS
from tests.support.stored import revision_of

TASKS, TRASH, CHANGES = "/api/v1/tasks", "/api/v1/trash", "/api/v1/changes"


@pytest.fixture
def command(shared_database: str, tmp_path: Path) -> Command:
    return lambda *words, told="": taskwell(*words, cwd=tmp_path, told=told, DATABASE_URL=shared_database)


def make_old(database_url: str, who: Person, days: int = 31) -> None:
    """What is in the trash becomes that much older."""
    for table in ("tasks", "lists", "labels"):
        aged = f"UPDATE {table} SET deleted_at = deleted_at - make_interval(days => $2) WHERE user_id = $1"
        postgres.query(database_url, aged, who.id, days)


def token_of(who: Person) -> str:
    """After all that there is."""
    return str(who.get(f"{CHANGES}?limit=100").json()["next"])


def kept(database_url: str, who: Person) -> dict[str, Any]:
    tables = ("tasks", "lists", "labels", "occurrences", "departures")
    count = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table} WHERE user_id = $1) AS {table}" for table in tables)
    return dict(postgres.query(database_url, count, who.id)[0])


def deletes_all_kinds(who: Person) -> None:
    """Two lists with three tasks in all, a task with one below it that recurs and has moved, and a label."""
    lists = [who.creates_list(name) for name in ("first", "second")]
    top = who.creates("top", list_id=lists[0]["id"], labels=["x"], due={"date": "2027-01-05"}, recurrence={"rule": "FREQ=DAILY"})
    who.creates("below", parent_id=top["id"])
    who.post(f"{TASKS}/{top['id']}/complete")
    who.patch(f"{TASKS}/{top['id']}", json={"list_id": lists[1]["id"]})
    who.creates("in it", list_id=lists[0]["id"])
    who.delete(f"{LABELS}/{label_of(who, 'x')['id']}")
    who.delete(f"{TASKS}/{top['id']}")
    for made in lists:
        assert who.delete(f"{LISTS}/{made['id']}").status_code == 204


def test_what_is_old_goes_for_all_users_and_moves_their_horizons(
    command: Command, alice: Person, bob: Person, shared_database: str
) -> None:
    before = token_of(alice)
    bob.creates("live")
    for who in (alice, bob):
        deletes_all_kinds(who)
    at_the_end = token_of(alice)
    make_old(shared_database, alice)
    make_old(shared_database, bob, days=29)
    theirs, last = kept(shared_database, bob), revision_of(shared_database, alice.id)
    for number in (6, 0):
        done = command("purge")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{number} records are gone that were deleted more than 30 days ago.\n")
        assert kept(shared_database, alice) == dict.fromkeys(theirs, 0)
        assert kept(shared_database, bob) == theirs
    horizons = "SELECT purged_revision FROM users WHERE id = ANY($1) ORDER BY id = $2"
    assert [row[0] for row in postgres.query(shared_database, horizons, [alice.id, bob.id], bob.id)] == [last, 0]
    assert revision_of(shared_database, alice.id) == last
    assert_error(alice.get(f"{CHANGES}?since={before}"), 410, "resync_required")
    assert alice.get(f"{CHANGES}?since={at_the_end}").json()["items"] == []
    assert (alice.get(TRASH).json()["items"], len(bob.get(TRASH).json()["items"])) == ([], 4)


@pytest.mark.parametrize("way", ["task", "parent", "list", "label", "bulk"])
def test_a_deletion_takes_a_few_with_it_that_are_old(alice: Person, way: str, shared_database: str) -> None:
    old = "INSERT INTO tasks (user_id, id, title, is_completed, created_at, updated_at, deleted_at, revision)"
    old += " SELECT $1, gen_random_uuid(), 'x', false, now(), now(), now() - make_interval(days => 31, secs => -n), n"
    many = PURGED_WITH_A_DELETION + 5
    postgres.query(shared_database, f"{old} FROM generate_series(1, $2::int) n", alice.id, many)
    postgres.query(shared_database, "UPDATE users SET revision = 100 WHERE id = $1", alice.id)
    task = alice.creates(labels=["x"])
    if way == "parent":
        alice.creates(parent_id=task["id"])
    paths = {"list": f"{LISTS}/{alice.creates_list()['id']}", "label": f"{LABELS}/{label_of(alice, 'x')['id']}"}
    if way == "bulk":
        assert alice.post(f"{TASKS}/delete", json={"ids": [task["id"]]}).json()["count"] == 1
    else:
        assert alice.delete(paths.get(way, f"{TASKS}/{task['id']}")).status_code == 204
    left = "SELECT count(*), min(revision) FROM tasks WHERE user_id = $1 AND title = 'x'"
    assert [*postgres.query(shared_database, left, alice.id)[0].values()] == [5, PURGED_WITH_A_DELETION + 1]
    (user,) = postgres.query(shared_database, "SELECT purged_revision FROM users WHERE id = $1", alice.id)
    assert user["purged_revision"] == PURGED_WITH_A_DELETION
    assert alice.delete(f"{TASKS}/{alice.creates('another')['id']}").status_code == 204
    assert postgres.query(shared_database, left, alice.id)[0]["count"] == 0


def test_answers_of_keys_that_nobody_uses_any_more_go(command: Command, alice: Person, bob: Person, shared_database: str) -> None:
    for who, number in ((alice, 3), (bob, 2)):
        for _ in range(number):
            who.post(TASKS, json={"title": "once"}, headers={"Idempotency-Key": str(uuid4())})
    aged = "UPDATE idempotency_keys SET created_at = created_at - interval '25 hours' WHERE user_id = $1"
    postgres.query(shared_database, aged, alice.id)
    done = command("purge")
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 answers are gone that were kept for idempotency keys of more than a day ago.\n" in done.stdout
    left = "SELECT user_id, count(*) FROM idempotency_keys WHERE user_id IN ($1, $2) GROUP BY user_id"
    assert [[*row.values()] for row in postgres.query(shared_database, left, alice.id, bob.id)] == [[bob.id, 2]]
    assert len(alice.sees()) == 3
