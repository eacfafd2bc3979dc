"""GET /changes: what was created, changed or deleted since, each record once, as it is now."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import unknown_references
from tests.support.replica import CHANGES, Replica, page_of, server_side
from tests.support.signed_in import ME, bearer, make_api_token

OF_USER = "/api/v1/users/{user}/changes"


def changes(person: Person, since: str | None = None, **query: Any) -> dict[str, Any]:
    return page_of(person.get(CHANGES, params=({} if since is None else {"since": since}) | query))


def start(person: Person, **query: Any) -> str:
    """The token of a client that has read everything."""
    page = changes(person, limit=500, **query)
    assert page["has_more"] is False
    token: str = page["next"]
    return token


def test_somebody_without_anything_has_an_account(alice: Person) -> None:
    page = changes(alice)
    me = alice.get(ME).json()
    assert page["items"] == [{"kind": "account", "id": str(alice.id), "revision": 0, "is_deleted": False, "record": me}]
    assert page["has_more"] is False
    again = changes(alice, page["next"])
    assert again == {"items": [], "next": again["next"], "has_more": False}


def test_each_record_comes_once_as_a_read_shows_it(alice: Person) -> None:
    since = start(alice)
    food = alice.creates_list("Food")
    milk = alice.creates("milk", labels=["shop"], list_id=food["id"], due={"date": "2030-01-01"})
    alice.patch(f"/api/v1/tasks/{milk['id']}", json={"title": "oat milk"})
    items = changes(alice, since)["items"]
    (label,) = alice.labels()
    of_each = {
        "task": alice.get(f"/api/v1/tasks/{milk['id']}").json(),
        "list": alice.get(f"/api/v1/lists/{food['id']}").json(),
        "label": alice.get(f"/api/v1/labels/{label['id']}").json(),
    }
    assert {item["kind"]: item["record"] for item in items} == of_each
    assert [(item["revision"], item["kind"]) for item in items] == [(1, "list"), (2, "label"), (3, "task")]
    for item in items:
        assert (item["is_deleted"], item["id"], item["revision"]) == (False, item["record"]["id"], item["record"]["revision"])


def test_a_deletion_is_a_tombstone_without_content(alice: Person) -> None:
    doomed = alice.creates("secret", labels=["secret"])
    since = start(alice)
    alice.delete(f"/api/v1/tasks/{doomed['id']}")
    (item,) = changes(alice, since)["items"]
    assert item.pop("deleted_at") > doomed["updated_at"]
    assert item == {"kind": "task", "id": doomed["id"], "revision": 2, "is_deleted": True}
    assert changes(alice)["items"] != []
    assert all(item["kind"] != "task" for item in changes(alice)["items"])  # of whom nobody who starts now has heard


def test_the_account_comes_when_what_it_shows_changes(alice: Person) -> None:
    since = start(alice)
    for change in ({"time_zone": "Europe/Berlin"}, {"display_name": "Alicia"}):
        alice.patch(ME, json=change)
        page = changes(alice, since)
        (item,) = page["items"]
        assert (item["kind"], item["record"]) == ("account", alice.get(ME).json())
        alice.patch(ME, json=change)  # which changes nothing
        since = page["next"]
        assert changes(alice, since)["items"] == []


def test_who_the_account_is_of_shows_a_token_that_may_read_it(alice: Person, carol: Person, anonymous: httpx.Client) -> None:
    token = make_api_token(alice, "tasks:read")["token"]
    for answer in (anonymous.get(CHANGES, headers=bearer(token)), carol.get(OF_USER.format(user=alice.id))):
        (item,) = page_of(answer)["items"]
        me = alice.get(ME).json()
        assert item["record"] == {name: me[name] for name in ("id", "time_zone", "created_at")}


def test_what_has_one_revision_is_read_in_pages(alice: Person) -> None:
    lists = [alice.creates_list(f"list {number}") for number in range(2)]
    tasks = [alice.creates(f"task {number}", list_id=lists[0]["id"], labels=["many"]) for number in range(12)]
    replicas = [Replica(alice, limit=limit) for limit in (1, 2, 5, 13, 500)]
    for replica in replicas:
        replica.catch_up()
        assert replica.records == server_side(alice)
        replica.heard.clear()
    alice.delete(f"/api/v1/lists/{lists[0]['id']}")
    for replica in replicas:
        replica.catch_up()
        assert replica.records == server_side(alice)
        expected = [("list", lists[0]["id"]), *sorted(("task", task["id"]) for task in tasks)]
        assert replica.heard == [(replica.heard[0][0], *one) for one in expected]


def test_a_page_that_is_full_is_not_the_last_only_where_there_is_more(alice: Person) -> None:
    since = start(alice)
    for number in range(4):
        alice.creates(f"task {number}")
    first = changes(alice, since, limit=4)
    assert (len(first["items"]), first["has_more"]) == (4, False)
    first = changes(alice, since, limit=3)
    assert (len(first["items"]), first["has_more"]) == (3, True)
    assert [item["record"]["title"] for item in changes(alice, first["next"], limit=3)["items"]] == ["task 3"]


# ---- one list ---------------------------------------------------------------------------------------------------------


def test_a_lists_feed_has_the_list_its_tasks_and_those_that_left(alice: Person) -> None:
    here, there = alice.creates_list("here"), alice.creates_list("there")
    stays, leaves, deleted = (alice.creates(title, list_id=here["id"], labels=["x"]) for title in ("stays", "leaves", "deleted"))
    alice.creates("elsewhere", list_id=there["id"])
    replica = Replica(alice, list_id=here["id"], limit=2)
    replica.catch_up()
    assert set(replica.records) == {("list", here["id"]), *(("task", one["id"]) for one in (stays, leaves, deleted))}
    alice.patch(f"/api/v1/tasks/{leaves['id']}", json={"list_id": there["id"]})
    alice.patch(f"/api/v1/tasks/{leaves['id']}", json={"title": "changed there"})
    alice.delete(f"/api/v1/tasks/{deleted['id']}")
    assert replica.token is not None
    left, gone = changes(alice, replica.token, list_id=here["id"])["items"]
    assert left == {"kind": "task", "id": leaves["id"], "revision": left["revision"], "has_left": True}
    assert (gone["id"], gone["is_deleted"]) == (deleted["id"], True)
    replica.catch_up()
    assert set(replica.of("task")) == {stays["id"]}
    alice.patch(f"/api/v1/tasks/{leaves['id']}", json={"list_id": here["id"]})
    replica.catch_up()
    assert set(replica.of("task")) == {stays["id"], leaves["id"]}
    alice.delete(f"/api/v1/lists/{here['id']}")
    replica.catch_up()
    assert replica.records == {}


def test_a_task_that_leaves_during_a_snapshot_is_told(alice: Person) -> None:
    here = alice.creates_list("here")
    tasks = [alice.creates(f"{number}", list_id=here["id"]) for number in range(4)]
    replica = Replica(alice, list_id=here["id"], limit=2)
    assert replica.step()
    alice.patch(f"/api/v1/tasks/{tasks[0]['id']}", json={"list_id": None})
    alice.delete(f"/api/v1/tasks/{tasks[3]['id']}")
    replica.catch_up()
    assert set(replica.of("task")) == {tasks[1]["id"], tasks[2]["id"]}


def test_a_list_that_is_not_theirs_is_unknown(alice: Person, bob: Person) -> None:
    theirs = bob.creates_list("theirs")
    answers = [alice.get(CHANGES, params={"list_id": one}) for one in (theirs["id"], str(uuid4()))]
    for answer in answers:
        assert unknown_references(answer) == [("query", "list_id")]


def test_a_list_that_is_gone_is_unknown_to_who_starts_and_a_tombstone_to_who_follows_it(alice: Person) -> None:
    here = alice.creates_list("here")
    alice.creates(list_id=here["id"])
    since = [start(alice, list_id=here["id"]), changes(alice, list_id=here["id"], limit=1)["next"]]
    alice.delete(f"/api/v1/lists/{here['id']}")
    for token in since:
        items = changes(alice, token, list_id=here["id"])["items"]
        assert [(item["kind"], item["is_deleted"]) for item in items] == [("list", True), ("task", True)]
    assert unknown_references(alice.get(CHANGES, params={"list_id": here["id"]})) == [("query", "list_id")]


# ---- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_is_of_its_owner_and_feed(alice: Person, bob: Person, carol: Person) -> None:
    own, theirs = start(alice), start(bob)
    made = alice.creates_list("mine")
    of_list = start(alice, list_id=made["id"])
    tampered = [own[:-1], own[:-1] + ("A" if own[-1] != "A" else "B"), own[1:], own + "A", own.partition(".")[2], "x", "." * 50]
    for query in (
        *({"since": token} for token in (theirs, of_list, *tampered)),
        {"since": own, "list_id": made["id"]},
        {"since": of_list, "list_id": alice.creates_list("another")["id"]},
    ):
        assert invalid_fields(alice.get(CHANGES, params=query)) == ["since"], query
    # By whoever may read Alice's, it is one and the same feed.
    assert carol.get(OF_USER.format(user=alice.id), params={"since": own}).json()["items"] != []
    assert invalid_fields(carol.get(CHANGES, params={"since": own})) == ["since"]


def test_a_token_of_another_epoch_needs_a_new_start(alice: Person) -> None:
    since = start(alice)
    epoch, _, place = since.partition(".")
    answer = alice.get(CHANGES, params={"since": f"{epoch[::-1]}.{place}"})
    assert_error(answer, 410, "resync_required")


def test_a_token_from_before_the_horizon_needs_a_new_start(alice: Person, shared_database: str) -> None:
    tokens = [start(alice)]
    tasks = [alice.creates(f"{number}") for number in range(3)]
    tokens.append(start(alice))
    begun = changes(alice, limit=1)["next"]
    in_the_middle = changes(alice, tokens[0], limit=1)["next"]
    alice.delete(f"/api/v1/tasks/{tasks[1]['id']}")
    tokens.append(start(alice))
    postgres.run(shared_database, f"UPDATE users SET purged_revision = 3 WHERE id = '{alice.id}'")
    for token, status in ((tokens[0], 410), (in_the_middle, 410), (begun, 200), (tokens[1], 200), (tokens[2], 200)):
        assert alice.get(CHANGES, params={"since": token}).status_code == status
    postgres.run(shared_database, f"UPDATE users SET purged_revision = 4 WHERE id = '{alice.id}'")
    for token, status in ((begun, 410), (tokens[1], 410), (tokens[2], 200)):
        answer = alice.get(CHANGES, params={"since": token})
        assert answer.status_code == status
        assert status == 200 or assert_error(answer, 410, "resync_required") == {}
    assert changes(alice)["items"] != []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "list_id=inbox", "list_id=", "since=%00", "order=newest", "since=x&since=y"]
)
def test_what_it_does_not_know_is_refused(alice: Person, query: str) -> None:
    assert invalid_fields(alice.get(f"{CHANGES}?{query}")) == [query.partition("=")[0]]


def test_each_has_their_own(alice: Person, bob: Person, anonymous: httpx.Client) -> None:
    alice.creates("secret")
    assert [item["kind"] for item in changes(bob)["items"]] == ["account"]
    for user in (alice.id, uuid4()):
        assert_error(bob.get(OF_USER.format(user=user)), 404, "user_not_found")
    assert_error(anonymous.get(CHANGES), 401, "token_missing")
    assert page_of(alice.get(OF_USER.format(user=alice.id)))["items"] == changes(alice)["items"]
