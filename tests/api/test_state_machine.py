"""Two users and a model of what each should see, under every operation of the API in any order.

The fourth of the four proofs that your tasks are yours. The model knows no SQL and no HTTP: a dictionary a user. After
each step the answer must be the one that the model expects, to the revision.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from tests.support.cast import Person, person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import LIST_MOUNTS, unknown_references
from tests.support.mounts import MOUNTS, tasks_of
from tests.support.server import RunningServer

# So few that both users, and the living and the dead, meet at the same ids.
OWN_IDS = [str(UUID(int=number)) for number in range(1, 4)]
users = st.sampled_from(["alice", "bob"])
mounts = st.sampled_from(MOUNTS)
titles = st.sampled_from(["buy milk", "x", "\U0001f9c0", "  padded  "])
descriptions = st.sampled_from([None, "", "two litres"])
whole = st.fixed_dictionaries({"title": titles}, optional={"description": descriptions, "is_completed": st.booleans()})
changes = st.fixed_dictionaries({}, optional={"title": titles, "description": descriptions, "is_completed": st.booleans()})
conditions = st.sampled_from(["none", "none", "current", "stale", "any", "weak", "foreign", "list"])
picks = st.integers(0, 30)


@dataclass
class Shelf:  # what one user should have
    person: Person
    revision: int = 0
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)  # in the order of creation
    tags: dict[str, list[str]] = field(default_factory=dict)  # every ETag that a task ever had, the newest last
    deleted: set[str] = field(default_factory=set)
    list_tags: list[str] = field(default_factory=list)
    lists: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted_lists: set[str] = field(default_factory=set)
    trash: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)  # a task, and with what it went
    trashed_lists: dict[str, dict[str, Any]] = field(default_factory=dict)


class TwoUsers(RuleBasedStateMachine):
    server: RunningServer
    database: str

    @initialize()
    def sign_up(self) -> None:
        self.open = [person(self.server, self.database, name) for name in ("alice", "bob")]
        self.shelves = {name: Shelf(opened.__enter__()) for name, opened in zip(("alice", "bob"), self.open, strict=True)}

    def teardown(self) -> None:
        for opened in getattr(self, "open", []):
            opened.__exit__(None, None, None)

    # ---- what the model knows

    def known_ids(self) -> list[str]:
        """Of both users, living and dead: whoever asks, for whichever."""
        return sorted({*OWN_IDS, *(id_ for shelf in self.shelves.values() for id_ in (*shelf.tasks, *shelf.deleted))})

    def pick_list(self, number: int) -> str:
        """Likewise, of lists."""
        of_both = (id_ for shelf in self.shelves.values() for id_ in (*shelf.lists, *shelf.deleted_lists))
        ids = sorted({*OWN_IDS, *of_both})
        return ids[number % len(ids)]

    def pick(self, number: int) -> str:
        ids = self.known_ids()
        return ids[number % len(ids)]

    def condition(self, kind: str, shelf: Shelf, task_id: str) -> tuple[dict[str, str], bool]:
        """The headers, and whether they hold."""
        tags = shelf.tags.get(task_id) or ['"never"']
        current, stale = tags[-1], next((tag for tag in reversed(tags) if tag != tags[-1]), '"older"')
        foreign = next((tag[-1] for other in self.shelves.values() if other is not shelf for tag in other.tags.values()), '"x"')
        if kind == "foreign" and foreign == current:  # the same number, at an id of one's own
            kind = "current"
        values = {
            "current": current,
            "stale": stale,
            "any": "*",
            "weak": "W/" + current,
            "foreign": foreign,
            "list": f"{stale}, {current}",
        }
        if kind == "none":
            return {}, True
        return {"If-Match": values[kind]}, kind in ("current", "any", "weak", "list")

    def below(self, shelf: Shelf, task_id: str) -> list[str]:
        """The ids of all that is below the task, the nearest first."""
        found = [task_id]
        for one in found:
            found += [id_ for id_, task in shelf.tasks.items() if task["parent_id"] == one]
        return found[1:]

    def went_along(self, shelf: Shelf, task_id: str) -> None:
        """What is below the task is in its list, where it was not before, under the revision that the task has just taken."""
        top = shelf.tasks[task_id]
        for one in self.below(shelf, task_id):
            before = shelf.tasks[one]
            there = shelf.person.get(f"/api/v1/tasks/{one}")
            if before["list_id"] != top["list_id"]:
                stamp = {name: top[name] for name in ("list_id", "revision", "updated_at")}
                before = before | stamp | {"etag": there.headers["etag"]}
                shelf.tags[one].append(there.headers["etag"])
            assert there.json() == before
            shelf.tasks[one] = before

    def wrote(self, shelf: Shelf, answer: httpx.Response, expected: dict[str, Any]) -> None:
        """It took exactly the next revision, and shows what was asked for."""
        task = answer.json()
        shelf.revision += 1
        assert task["revision"] == shelf.revision
        assert task["user_id"] == str(shelf.person.id)
        assert {name: task[name] for name in expected} == expected
        assert (task["completed_at"] is not None) == task["is_completed"]
        before = shelf.tasks.get(task["id"])
        assert task["list_id"] == expected.get("list_id", before and before["list_id"])
        if before is not None:
            assert task["created_at"] == before["created_at"]
            assert task["updated_at"] > before["updated_at"]
            if before["is_completed"] and task["is_completed"]:
                assert task["completed_at"] == before["completed_at"]
        else:
            assert task["created_at"] == task["updated_at"]
        tags = shelf.tags.setdefault(task["id"], [])
        assert answer.headers["etag"] not in tags
        tags.append(answer.headers["etag"])
        shelf.tasks[task["id"]] = task

    def went(self, shelf: Shelf, top: str, ids: list[str]) -> None:
        shelf.revision += 1
        shelf.trash |= {one: (shelf.tasks.pop(one), top) for one in ids}
        shelf.deleted.update(ids)

    # ---- the operations

    @rule(who=users, mount=mounts, new=whole)
    def creates(self, who: str, mount: str, new: dict[str, Any]) -> None:
        shelf = self.shelves[who]
        answer = shelf.person.post(tasks_of(mount, shelf.person.id), json=new)
        assert answer.status_code == 201
        self.wrote(shelf, answer, {"description": None, "is_completed": False} | new)

    @rule(who=users, mount=mounts, new=whole, number=picks)
    def creates_at_an_id(self, who: str, mount: str, new: dict[str, Any], number: int) -> None:
        shelf, task_id = self.shelves[who], self.pick(number)
        sent = {"description": None, "is_completed": False, "list_id": None} | new
        there = shelf.tasks.get(task_id)
        answer = shelf.person.post(tasks_of(mount, shelf.person.id), json=new | {"id": task_id})
        if there is not None and {name: there[name] for name in sent} == sent:
            assert (answer.status_code, answer.json()) == (200, there)
        elif there is not None or task_id in shelf.deleted:
            assert_error(answer, 409, "task_id_taken")
        else:
            assert answer.status_code == 201
            self.wrote(shelf, answer, sent | {"id": task_id})

    @rule(who=users, mount=mounts, number=picks, knows=st.booleans())
    def reads(self, who: str, mount: str, number: int, knows: bool) -> None:
        shelf, task_id = self.shelves[who], self.pick(number)
        there = shelf.tasks.get(task_id)
        headers = {"If-None-Match": shelf.tags[task_id][-1]} if knows and task_id in shelf.tags else {}
        answer = shelf.person.get(f"{tasks_of(mount, shelf.person.id)}/{task_id}", headers=headers)
        if there is None:
            assert_error(answer, 404, "task_not_found")
        elif headers:
            assert (answer.status_code, answer.content) == (304, b"")
        else:
            assert (answer.status_code, answer.json()) == (200, there)
            assert answer.headers["etag"] == shelf.tags[task_id][-1]

    @rule(who=users, mount=mounts, number=picks, new=whole, kind=conditions)
    def replaces(self, who: str, mount: str, number: int, new: dict[str, Any], kind: str) -> None:
        expected = {"description": None, "is_completed": False} | new
        self.changes("PUT", who, mount, number, new, expected, kind)

    @rule(who=users, mount=mounts, number=picks, change=changes, kind=conditions)
    def patches(self, who: str, mount: str, number: int, change: dict[str, Any], kind: str) -> None:
        self.changes("PATCH", who, mount, number, change, change, kind)

    def changes(
        self, method: str, who: str, mount: str, number: int, body: dict[str, Any], expected: dict[str, Any], kind: str
    ) -> None:
        shelf, task_id = self.shelves[who], self.pick(number)
        there = shelf.tasks.get(task_id)
        headers, holds = self.condition(kind, shelf, task_id)
        answer = shelf.person.request(method, f"{tasks_of(mount, shelf.person.id)}/{task_id}", json=body, headers=headers)
        if there is None:
            assert_error(answer, 404, "task_not_found")
        elif not holds:
            assert assert_error(answer, 412, "task_changed") == {"current": there}
        else:
            assert answer.status_code == 200
            if there | expected == there:
                assert answer.json() == there
                assert answer.headers["etag"] == shelf.tags[task_id][-1]
            else:
                self.wrote(shelf, answer, expected)

    @rule(who=users, mount=mounts, number=picks, new=whole)
    def places(self, who: str, mount: str, number: int, new: dict[str, Any]) -> None:
        shelf, task_id = self.shelves[who], self.pick(number)
        there = shelf.tasks.get(task_id)
        path = f"{tasks_of(mount, shelf.person.id)}/{task_id}"
        answer = shelf.person.put(path, json=new, headers={"If-None-Match": "*"})
        if there is not None:
            assert assert_error(answer, 412, "task_exists") == {"current": there}
        else:
            assert answer.status_code == 201
            shelf.deleted.discard(task_id)
            shelf.trash.pop(task_id, None)
            self.wrote(shelf, answer, {"description": None, "is_completed": False} | new)

    @rule(who=users, mount=mounts, number=picks, kind=conditions)
    def deletes(self, who: str, mount: str, number: int, kind: str) -> None:
        shelf, task_id = self.shelves[who], self.pick(number)
        there = shelf.tasks.get(task_id)
        headers, holds = self.condition(kind, shelf, task_id)
        answer = shelf.person.delete(f"{tasks_of(mount, shelf.person.id)}/{task_id}", headers=headers)
        if there is None:
            assert_error(answer, 404, "task_not_found")
        elif not holds:
            assert assert_error(answer, 412, "task_changed") == {"current": there}
        else:
            assert answer.status_code == 204
            self.went(shelf, task_id, [task_id, *self.below(shelf, task_id)])

    @rule(who=users, mount=st.sampled_from(LIST_MOUNTS), name=titles, number=picks, is_own_id=st.booleans())
    def creates_a_list(self, who: str, mount: str, name: str, number: int, is_own_id: bool) -> None:
        shelf = self.shelves[who]
        own = {"id": self.pick_list(number)} if is_own_id else {}
        answer = shelf.person.post(tasks_of(mount, shelf.person.id), json={"name": name} | own)
        there = shelf.lists.get(own.get("id", ""))
        if there is not None and there["name"] == name:
            assert (answer.status_code, answer.json()) == (200, there)
        elif there is not None or own.get("id") in shelf.deleted_lists:
            assert_error(answer, 409, "list_id_taken")
        else:
            assert answer.status_code == 201
            shelf.revision += 1
            made = answer.json()
            assert (made["revision"], made["user_id"], made["name"]) == (shelf.revision, str(shelf.person.id), name)
            shelf.lists[made["id"]] = made

    @rule(who=users, mount=st.sampled_from(LIST_MOUNTS), number=picks, name=titles)
    def renames_a_list(self, who: str, mount: str, number: int, name: str) -> None:
        shelf, list_id = self.shelves[who], self.pick_list(number)
        answer = shelf.person.patch(f"{tasks_of(mount, shelf.person.id)}/{list_id}", json={"name": name})
        there = shelf.lists.get(list_id)
        if there is None:
            assert_error(answer, 404, "list_not_found")
            return
        shelf.revision += there["name"] != name
        assert (answer.status_code, answer.json()["name"]) == (200, name)
        assert answer.json()["revision"] == (there["revision"] if there["name"] == name else shelf.revision)
        shelf.lists[list_id] = answer.json()

    @rule(who=users, mount=st.sampled_from(LIST_MOUNTS), number=picks)
    def deletes_a_list(self, who: str, mount: str, number: int) -> None:
        shelf, list_id = self.shelves[who], self.pick_list(number)
        answer = shelf.person.delete(f"{tasks_of(mount, shelf.person.id)}/{list_id}")
        if list_id not in shelf.lists:
            assert_error(answer, 404, "list_not_found")
            return
        assert answer.status_code == 204
        shelf.trashed_lists[list_id] = shelf.lists.pop(list_id)
        shelf.deleted_lists.add(list_id)
        self.went(shelf, list_id, [id_ for id_, task in shelf.tasks.items() if task["list_id"] == list_id])

    @rule(who=users, mount=mounts, number=picks, where=st.none() | picks, method=st.sampled_from(["PATCH", "PUT"]))
    def moves(self, who: str, mount: str, number: int, where: int | None, method: str) -> None:
        """To a list that is theirs, the other's, or nobody's any more."""
        shelf, task_id = self.shelves[who], self.pick(number)
        there, list_id = shelf.tasks.get(task_id), None if where is None else self.pick_list(where)
        same = {name: there[name] for name in ("title", "description", "is_completed")} if there else {"title": "x"}
        body = {"list_id": list_id} | (same if method == "PUT" else {})
        answer = shelf.person.request(method, f"{tasks_of(mount, shelf.person.id)}/{task_id}", json=body)
        if there is None:
            assert_error(answer, 404, "task_not_found")
        elif list_id is not None and list_id not in shelf.lists:
            assert unknown_references(answer) == [("body", "list_id")]
        elif list_id == there["list_id"]:
            assert (answer.status_code, answer.json()) == (200, there)
        else:
            assert answer.status_code == 200
            self.wrote(shelf, answer, {"list_id": list_id, "parent_id": None})
            self.went_along(shelf, task_id)

    @rule(who=users, mount=mounts, where=picks, new=whole)
    def creates_in_a_list(self, who: str, mount: str, where: int, new: dict[str, Any]) -> None:
        shelf, list_id = self.shelves[who], self.pick_list(where)
        answer = shelf.person.post(tasks_of(mount, shelf.person.id), json=new | {"list_id": list_id})
        if list_id not in shelf.lists:
            assert unknown_references(answer) == [("body", "list_id")]
        else:
            assert answer.status_code == 201
            self.wrote(shelf, answer, {"description": None, "is_completed": False, "list_id": list_id} | new)

    @rule(who=users, where=st.none() | picks, limit=st.integers(1, 4))
    def lists_one_lists_tasks(self, who: str, where: int | None, limit: int) -> None:
        shelf, list_id = self.shelves[who], None if where is None else self.pick_list(where)
        if list_id is not None and list_id not in shelf.lists:
            answer = shelf.person.get("/api/v1/tasks", params={"list_id": list_id})
            assert unknown_references(answer) == [("query", "list_id")]
            return
        expected = [task for task in shelf.tasks.values() if task["list_id"] == list_id]
        expected.sort(key=lambda task: (task["created_at"], task["id"]), reverse=True)
        assert shelf.person.sees(limit=limit, list_id=list_id or "inbox") == expected

    @rule(
        who=users,
        completed=st.sampled_from([None, "true", "false"]),
        order=st.sampled_from(["newest", "oldest"]),
        limit=st.integers(1, 4),
    )
    def lists(self, who: str, completed: str | None, order: str, limit: int) -> None:
        shelf = self.shelves[who]
        expected = [task for task in shelf.tasks.values() if completed is None or task["is_completed"] == (completed == "true")]
        expected.sort(key=lambda task: (task["created_at"], task["id"]), reverse=order == "newest")
        query = {"limit": limit, "order": order} | ({} if completed is None else {"completed": completed})
        assert shelf.person.sees(**query) == expected

    @rule(who=users, of_whom=users)
    def counts(self, who: str, of_whom: str) -> None:
        shelf, other = self.shelves[who], self.shelves[of_whom]
        answer = shelf.person.get(f"/api/v1/users/{other.person.id}/overview")
        assert answer.status_code == (200 if who == of_whom else 404)
        counts, tasks = shelf.person.get("/api/v1/overview").json(), shelf.tasks.values()
        open_in = Counter(task["list_id"] for task in tasks if not task["is_completed"])
        assert counts["inbox"] == open_in[None]
        assert {one["id"]: one["open"] for one in counts["lists"]} == {list_id: open_in[list_id] for list_id in shelf.lists}
        unimportant = sum(task["priority"] == "none" for task in tasks)
        for query, total in (("priority=none", unimportant), ("due_before=2026-01-01", 0)):
            assert shelf.person.get(f"/api/v1/tasks?count=true&{query}").json()["total"] == total

    @rule(who=users, mount=mounts)
    def polls(self, who: str, mount: str) -> None:
        shelf = self.shelves[who]
        path = tasks_of(mount, shelf.person.id)
        tag = shelf.person.get(path).headers["etag"]
        assert tag.endswith(f'.{shelf.revision}"')
        assert shelf.person.get(path, headers={"If-None-Match": tag}).status_code == 304

    @rule(
        who=users,
        number=picks,
        method=st.sampled_from(["GET", "HEAD", "PUT", "PATCH", "DELETE"]),
        mount=st.sampled_from(MOUNTS[1::2]),
    )
    def reaches_for_the_others(self, who: str, number: int, method: str, mount: str) -> None:
        """By the other's name, whatever the id: there is no such user."""
        me, other = self.shelves[who], self.shelves["bob" if who == "alice" else "alice"]
        body = {"title": "mine now"} if method in ("PUT", "PATCH") else None
        answer = me.person.request(method, f"{tasks_of(mount, other.person.id)}/{self.pick(number)}", json=body)
        assert answer.status_code == 404
        assert method == "HEAD" or assert_error(answer, 404, "user_not_found") == {}

    @rule(who=users, body=st.sampled_from([{}, {"title": ""}, {"title": "x", "user_id": "y"}, {"title": "x", "revision": 9}]))
    def says_something_wrong(self, who: str, body: dict[str, Any]) -> None:
        shelf = self.shelves[who]
        assert invalid_fields(shelf.person.post("/api/v1/tasks", json=body))

    # ---- at every moment

    @precondition(lambda self: hasattr(self, "shelves"))
    @invariant()
    def each_sees_exactly_their_own(self) -> None:
        for shelf in self.shelves.values():
            page = shelf.person.get("/api/v1/tasks", params={"limit": 100, "order": "oldest"})
            expected = sorted(shelf.tasks.values(), key=lambda task: (task["created_at"], task["id"]))
            assert page.json() == {"items": expected, "next_cursor": None}
            lists = shelf.person.get("/api/v1/lists", params={"limit": 100, "order": "oldest"})
            of_lists = sorted(shelf.lists.values(), key=lambda one: (one["created_at"], one["id"]))
            assert lists.json() == {"items": of_lists, "next_cursor": None}
            tag = page.headers["etag"]
            if not shelf.list_tags or shelf.list_tags[-1] != tag:
                assert tag not in shelf.list_tags, "revisions only rise"
                shelf.list_tags.append(tag)
            assert tag.endswith(f'.{shelf.revision}"')


def test_each_sees_exactly_their_own_whatever_both_do(server: RunningServer, shared_database: str) -> None:
    class Machine(TwoUsers):
        pass

    Machine.server, Machine.database = server, shared_database
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=8, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]),
    )
