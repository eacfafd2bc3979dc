"""Each record carries its own ETag, wherever it appears."""

from typing import Any

from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.mounts import at_every_mount, tasks_of

TASKS = "/api/v1/tasks"


@at_every_mount
def test_a_record_carries_the_tag_that_a_read_of_it_answers(alice: Person, mount: str) -> None:
    tasks = tasks_of(mount, alice.id)

    def is_its_tag(record: dict[str, Any]) -> bool:
        read = alice.get(f"{tasks}/{record['id']}")
        return bool(record == read.json() and record["etag"] == read.headers["etag"])

    created = alice.post(tasks, json={"title": "a"})
    path = f"{tasks}/{created.json()['id']}"
    answers = [
        created,
        alice.patch(path, json={"title": "b"}),
        alice.patch(path, json={"title": "b"}),
        alice.put(path, json={"title": "c"}),
    ]
    assert [answer.json()["etag"] for answer in answers] == [answer.headers["etag"] for answer in answers]
    assert is_its_tag(answers[-1].json())
    answer = alice.put(f"{path[:-4]}ffff", json={"title": "placed"}, headers={"If-None-Match": "*"})
    assert answer.status_code == 201
    assert is_its_tag(answer.json())
    again = alice.post(tasks, json={"title": "placed", "id": answer.json()["id"]})
    assert (again.status_code, again.json()["etag"]) == (200, answer.headers["etag"])
    for order in ("newest", "oldest"):
        first = alice.get(tasks, params={"order": order, "limit": 1}).json()
        second = alice.get(tasks, params={"order": order, "limit": 1, "cursor": first["next_cursor"]}).json()
        assert all(map(is_its_tag, first["items"] + second["items"]))


def test_the_tag_of_an_item_is_a_condition_as_it_is(alice: Person) -> None:
    for title in ("a", "b", "c"):
        alice.creates(title)
    for item in alice.get(TASKS).json()["items"]:
        path, condition = f"{TASKS}/{item['id']}", {"If-Match": item["etag"]}
        assert alice.get(path, headers={"If-None-Match": item["etag"]}).status_code == 304
        assert alice.patch(path, json={"is_completed": True}, headers=condition).status_code == 200
        assert_error(alice.patch(path, json={"is_completed": False}, headers=condition), 412, "task_changed")


def test_a_412_has_the_tag_of_the_record_as_it_is_now_twice(alice: Person) -> None:
    task = alice.creates()
    path, old = f"{TASKS}/{task['id']}", {"If-Match": task["etag"]}
    now = alice.patch(path, json={"title": "changed"}).json()
    answers = [
        alice.patch(path, json={"title": "x"}, headers=old),
        alice.put(path, json={"title": "x"}, headers=old),
        alice.delete(path, headers=old),
        alice.put(path, json={"title": "x"}, headers={"If-None-Match": "*"}),
    ]
    for answer, code in zip(answers, ["task_changed"] * 3 + ["task_exists"], strict=True):
        assert assert_error(answer, 412, code) == {"current": now}
        assert answer.headers["etag"] == now["etag"]
    assert alice.delete(path, headers={"If-Match": answers[0].headers["etag"]}).status_code == 204


def test_an_administrator_and_the_owner_see_the_same_tag_and_two_people_never_do(
    alice: Person, bob: Person, carol: Person
) -> None:
    task = alice.creates()
    his = bob.creates(id=task["id"])
    assert his["revision"] == task["revision"]
    assert his["etag"] != task["etag"]
    for path in (f"/api/v1/users/{alice.id}/tasks", f"/api/v1/users/{alice.id}/tasks/{task['id']}"):
        shown = carol.get(path).json()
        assert shown.get("items", [shown]) == [task]
