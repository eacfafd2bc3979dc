"""POST /lists/{list_id}/restore: a deleted list comes back with the tasks that went with it."""

from uuid import UUID, uuid4

import httpx

from taskwell.lists.statements import LISTS_PER_USER
from tests.api.test_restore_task import TASKS, lasting
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.lists import LISTS, at_every_list_mount
from tests.support.mounts import tasks_of
from tests.support.stored import revision_of


@at_every_list_mount
def test_it_comes_back_with_the_tasks_that_went_with_it(alice: Person, mount: str, shared_database: str) -> None:
    alice.creates_list("first")
    made = alice.creates_list("list", colour="#00ff00", icon="x")
    gone_before = alice.creates("gone before", list_id=made["id"])
    alice.delete(f"{TASKS}/{gone_before['id']}")
    top = alice.creates("top", list_id=made["id"], is_completed=True)
    tasks = [top, alice.creates("below", parent_id=top["id"], due={"date": "2027-01-05"}), alice.creates("x", list_id=made["id"])]
    alice.creates("elsewhere")
    everything = alice.sees(order="oldest")
    path = f"{tasks_of(mount, alice.id)}/{made['id']}"
    alice.delete(path)
    before = revision_of(shared_database, alice.id)
    answer = alice.post(f"{path}/restore")
    assert answer.status_code == 200, answer.text
    assert (lasting(answer.json()), answer.headers["etag"]) == (lasting(made), answer.json()["etag"])
    assert list(map(lasting, alice.sees(order="oldest"))) == list(map(lasting, everything))
    revisions = {alice.get(f"{TASKS}/{task['id']}").json()["revision"] for task in tasks}
    assert revisions == {answer.json()["revision"]} == {before + 1} == {revision_of(shared_database, alice.id)}
    assert_error(alice.post(f"{path}/restore"), 404, "list_not_found")
    assert alice.post(f"{TASKS}/{gone_before['id']}/restore").json()["list_id"] == made["id"]


def test_nobody_else_restores_it_and_nobody_against_the_condition(anonymous: httpx.Client, alice: Person, bob: Person) -> None:
    made = alice.creates_list()
    path = f"{LISTS}/{made['id']}"
    alice.delete(path)
    assert_error(anonymous.post(f"{path}/restore"), 401, "token_missing")
    assert_error(bob.post(f"/api/v1/users/{alice.id}/lists/{made['id']}/restore"), 404, "user_not_found")
    same = {"X-Request-Id": "same"}
    theirs, nobodys = (bob.post(f"{LISTS}/{one}/restore", headers=same) for one in (made["id"], uuid4()))
    assert (theirs.content, theirs.status_code) == (nobodys.content, 404)
    late = alice.post(f"{path}/restore", headers={"If-Match": made["etag"]})
    current = assert_error(late, 412, "list_changed")["current"]
    assert lasting(current) == lasting(made)
    assert alice.lists() == []
    assert alice.post(f"{path}/restore", headers={"If-Match": current["etag"]}).status_code == 200


def test_where_there_are_as_many_lists_as_there_can_be_it_stays_in_the_trash(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()
    alice.delete(f"{LISTS}/{made['id']}")
    many = "INSERT INTO lists (user_id, id, name, is_archived, created_at, updated_at, revision)"
    many += " SELECT $1, gen_random_uuid(), 'x', false, now(), now(), 1 FROM generate_series(1, $2::int)"
    postgres.query(shared_database, many, alice.id, LISTS_PER_USER)
    assert_error(alice.post(f"{LISTS}/{made['id']}/restore"), 409, "too_many_lists")
    alice.delete(f"{LISTS}/{alice.lists()[0]['id']}")
    assert alice.post(f"{LISTS}/{made['id']}/restore").status_code == 200


def test_a_list_of_many_tasks_comes_back_whole(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()
    many = "INSERT INTO tasks (user_id, id, title, is_completed, list_id, created_at, updated_at, revision)"
    many += " SELECT $1, gen_random_uuid(), 'x', false, $2, now(), now(), 1 FROM generate_series(1, 3000)"
    postgres.query(shared_database, many, alice.id, UUID(made["id"]))
    alice.delete(f"{LISTS}/{made['id']}")
    assert alice.post(f"{LISTS}/{made['id']}/restore").status_code == 200
    assert alice.get(f"{TASKS}?list_id={made['id']}&count=true").json()["total"] == 3000


def test_what_was_made_anew_at_its_id_has_nothing_of_it(alice: Person) -> None:
    made = alice.creates_list()
    task = alice.creates(list_id=made["id"])
    alice.delete(f"{LISTS}/{made['id']}")
    alice.put(f"{LISTS}/{made['id']}", json={"name": "again"}, headers={"If-None-Match": "*"})
    assert_error(alice.post(f"{LISTS}/{made['id']}/restore"), 404, "list_not_found")
    alice.delete(f"{LISTS}/{made['id']}")
    assert alice.post(f"{LISTS}/{made['id']}/restore").json()["name"] == "again"
    assert alice.sees() == []
    assert alice.post(f"{TASKS}/{task['id']}/restore").json()["list_id"] == made["id"]
