"""Two users who complete, move, import, and change many tasks at once, and a model of what each should see:
test_state_machine.py, where tasks recur and are below others."""

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from tests.api.test_state_machine import OWN_IDS, Shelf, picks, titles, users
from tests.api.test_state_machine_of_trees import Trees
from tests.support.errors import assert_error
from tests.support.lists import unknown_references
from tests.support.mounts import MOUNTS, tasks_of
from tests.support.server import RunningServer
from tests.support.transfer import imports, lines

OF_EACH_WRITE = {"revision", "etag", "updated_at", "completed_at"}
FIRST_DAY, TIMES = date(2026, 1, 1), 3
DAILY = {"due": {"date": FIRST_DAY.isoformat()}, "recurrence": {"rule": f"FREQ=DAILY;COUNT={TIMES}"}}

of_this_version = st.sampled_from([mount for mount in MOUNTS if mount.startswith("/api/v1/")])
some_picks = st.lists(picks, min_size=1, max_size=4)
priorities = st.sampled_from(["none", "high"])


def is_open_series(task: dict[str, Any]) -> bool:
    return task["recurrence"] is not None and not task["is_completed"]


class Many(Trees):
    @initialize()
    def sign_up(self) -> None:
        """Each has a series, at the same id."""
        super().sign_up()
        for shelf in self.shelves.values():
            answer = shelf.person.post("/api/v1/tasks", json={"id": OWN_IDS[0], "title": "again and again"} | DAILY)
            assert answer.status_code == 201
            self.wrote(shelf, answer, {"is_completed": False, "due": DAILY["due"]})

    def pick_some(self, numbers: list[int]) -> list[str]:
        return list(dict.fromkeys(map(self.pick, numbers)))

    def written(self, shelf: Shelf, ids: list[str], expected: dict[str, Any]) -> None:
        """They have what is expected, under one revision, and else are as they were."""
        shelf.revision += bool(ids)
        for one in ids:
            answer = shelf.person.get(f"/api/v1/tasks/{one}")
            task, before = answer.json(), shelf.tasks[one] | expected
            assert task["revision"] == shelf.revision
            assert {name: task[name] for name in task.keys() - OF_EACH_WRITE} == {
                name: before[name] for name in before.keys() - OF_EACH_WRITE
            }
            assert (task["completed_at"] is not None) == task["is_completed"]
            shelf.tasks[one] = task
            shelf.tags[one].append(answer.headers["etag"])

    def changes(
        self, method: str, who: str, mount: str, number: int, body: dict[str, Any], expected: dict[str, Any], kind: str
    ) -> None:
        """What else may complete a task, of which a series is none here: when that is depends on the day of the test."""
        there = self.shelves[who].tasks.get(self.pick(number))
        if there is None or there["recurrence"] is None:
            super().changes(method, who, mount, number, body, expected, kind)

    @rule(who=users, mount=of_this_version, number=picks, is_named=st.booleans())
    def completes(self, who: str, mount: str, number: int, is_named: bool) -> None:
        shelf, task_id = self.shelves[who], self.pick(number)
        there = shelf.tasks.get(task_id)
        named = {"occurrence": there["due"]["date"]} if is_named and there and there["recurrence"] else {}
        answer = shelf.person.post(f"{tasks_of(mount, shelf.person.id)}/{task_id}/complete", json=named)
        if there is None:
            assert_error(answer, 404, "task_not_found")
        elif there["is_completed"]:
            assert (answer.status_code, answer.json()) == (200, there)
        elif is_open_series(there):
            day = date.fromisoformat(there["due"]["date"])
            is_last = day == FIRST_DAY + timedelta(days=TIMES - 1)
            due = there["due"] if is_last else {"date": (day + timedelta(days=1)).isoformat()}
            self.wrote(shelf, answer, {"is_completed": is_last, "due": due, "completed_occurrence": day.isoformat()})
        else:
            self.wrote(shelf, answer, {"is_completed": True})

    @rule(who=users, numbers=some_picks)
    def completes_many(self, who: str, numbers: list[int]) -> None:
        shelf, ids = self.shelves[who], self.pick_some(numbers)
        done = shelf.person.post("/api/v1/tasks/complete", json={"ids": ids}).json()
        mine = [one for one in ids if one in shelf.tasks]
        recurring = [one for one in mine if shelf.tasks[one]["recurrence"] is not None]
        changed = [one for one in mine if one not in recurring and not shelf.tasks[one]["is_completed"]]
        assert (sorted(done["ids"]), sorted(done["recurring"])) == (sorted(changed), sorted(recurring))
        assert done["unknown"] == [one for one in ids if one not in mine]
        self.written(shelf, changed, {"is_completed": True})

    @rule(who=users, numbers=some_picks, priority=priorities)
    def changes_many(self, who: str, numbers: list[int], priority: str) -> None:
        shelf, ids = self.shelves[who], self.pick_some(numbers)
        done = shelf.person.post("/api/v1/tasks/change", json={"ids": ids, "changes": {"priority": priority}}).json()
        changed = [one for one in ids if one in shelf.tasks and shelf.tasks[one]["priority"] != priority]
        assert sorted(done["ids"]) == sorted(changed)
        self.written(shelf, changed, {"priority": priority})

    @rule(who=users, where=st.none() | picks, priority=priorities)
    def changes_a_lists_tasks(self, who: str, where: int | None, priority: str) -> None:
        shelf, list_id = self.shelves[who], None if where is None else self.pick_list(where)
        asked = {"filter": {"list_id": list_id or "inbox"}, "changes": {"priority": priority}}
        answer = shelf.person.post("/api/v1/tasks/change", json=asked)
        if list_id is not None and list_id not in shelf.lists:
            assert unknown_references(answer) == [("body", "filter.list_id")]
            return
        of_it = [one for one, task in shelf.tasks.items() if task["list_id"] == list_id and task["priority"] != priority]
        assert sorted(answer.json()["ids"]) == sorted(of_it)
        self.written(shelf, of_it, {"priority": priority})

    @rule(who=users, numbers=st.none() | some_picks)
    def deletes_many(self, who: str, numbers: list[int] | None) -> None:
        """Those, or what is completed; and what is below them."""
        shelf = self.shelves[who]
        ids = [one for one, task in shelf.tasks.items() if task["is_completed"]] if numbers is None else self.pick_some(numbers)
        asked = {"filter": {"completed": True}} if numbers is None else {"ids": ids}
        done = shelf.person.post("/api/v1/tasks/delete", json=asked).json()
        gone = {below for one in ids if one in shelf.tasks for below in (one, *self.below(shelf, one))}
        assert set(done["ids"]) == gone
        shelf.revision += bool(gone)
        shelf.deleted |= gone
        shelf.tasks = {one: task for one, task in shelf.tasks.items() if one not in gone}

    @rule(who=users, number=picks, beside=picks, where=st.sampled_from(["before", "after"]))
    def moves_beside(self, who: str, number: int, beside: int, where: str) -> None:
        shelf, task_id, other = self.shelves[who], self.pick(number), self.pick(beside)
        there, sibling = shelf.tasks.get(task_id), shelf.tasks.get(other)
        answer = shelf.person.post(f"/api/v1/tasks/{task_id}/move", json={where: other})
        place = ("list_id", "parent_id")
        if there is None:
            assert_error(answer, 404, "task_not_found")
        elif task_id == other or sibling is None or any(sibling[name] != there[name] for name in place):
            assert unknown_references(answer) == [("body", where)]
        else:
            task = answer.json()
            siblings = [one for one in shelf.tasks.values() if all(one[name] == there[name] for name in place)]
            row = sorted((one["position"], one["id"]) for one in siblings if one["id"] != task_id)
            stands = [id_ for _, id_ in sorted([*row, (task["position"], task_id)])]
            assert stands.index(task_id) - stands.index(other) == (-1 if where == "before" else 1)
            if task["revision"] == there["revision"]:
                assert task == there
            else:
                self.wrote(shelf, answer, {})

    @rule(who=users, number=st.integers(0, len(OWN_IDS) - 1), title=titles, above=picks)
    def imports_a_file(self, who: str, number: int, title: str, above: int) -> None:
        """Of a subtask, at an id that may be taken."""
        shelf, task_id, parent_id = self.shelves[who], OWN_IDS[number], self.pick(above)
        record = {"kind": "task", "id": task_id, "title": title, "parent_id": parent_id}
        is_taken = task_id in shelf.tasks or task_id in shelf.deleted
        is_there = parent_id in shelf.tasks
        fits = is_there and self.depth(shelf, parent_id) < 8
        for is_again in (False, True):
            report = imports(shelf.person, lines(record))
            made = fits and not is_taken and not is_again
            assert report["created"]["tasks"] == made
            assert report["there_already"]["tasks"] == (is_taken or (fits and is_again))
            assert report["refused"] == (not is_taken and not fits)
            if made:
                answer = shelf.person.get(f"/api/v1/tasks/{task_id}")
                list_id = shelf.tasks[parent_id]["list_id"]
                self.wrote(shelf, answer, {"title": title, "parent_id": parent_id, "list_id": list_id})


def test_each_sees_exactly_their_own_when_many_are_changed_at_once(server: RunningServer, shared_database: str) -> None:
    class Machine(Many):
        pass

    Machine.server, Machine.database = server, shared_database
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=10, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]),
    )
