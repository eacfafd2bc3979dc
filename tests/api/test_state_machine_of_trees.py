"""Two users with trees of tasks, and a model of what each should see: test_state_machine.py, where tasks are below others."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from taskwell.tasks.tree import TASK_LEVELS
from tests.api.test_state_machine import Shelf, TwoUsers, mounts, picks, users, whole
from tests.support.errors import assert_error
from tests.support.lists import unknown_references
from tests.support.mounts import tasks_of
from tests.support.server import RunningServer


class Trees(TwoUsers):
    def depth(self, shelf: Shelf, task_id: str | None) -> int:
        return 0 if task_id is None else 1 + self.depth(shelf, shelf.tasks[task_id]["parent_id"])

    def height(self, shelf: Shelf, task_id: str) -> int:
        below = (one for one, task in shelf.tasks.items() if task["parent_id"] == task_id)
        return 1 + max((self.height(shelf, one) for one in below), default=0)

    @rule(who=users, mount=mounts, number=picks, new=whole)
    def creates_a_subtask(self, who: str, mount: str, number: int, new: dict[str, Any]) -> None:
        """Of a task that is theirs, the other's, or nobody's any more."""
        shelf, parent_id = self.shelves[who], self.pick(number)
        answer = shelf.person.post(tasks_of(mount, shelf.person.id), json=new | {"parent_id": parent_id})
        if parent_id not in shelf.tasks:
            assert unknown_references(answer) == [("body", "parent_id")]
        elif self.depth(shelf, parent_id) == TASK_LEVELS:
            assert_error(answer, 409, "too_many_levels")
        else:
            assert answer.status_code == 201
            self.wrote(shelf, answer, {"parent_id": parent_id, "list_id": shelf.tasks[parent_id]["list_id"]})

    @rule(who=users, mount=mounts, number=picks, where=st.none() | picks, method=st.sampled_from(["PATCH", "PUT"]))
    def goes_below(self, who: str, mount: str, number: int, where: int | None, method: str) -> None:
        shelf, task_id = self.shelves[who], self.pick(number)
        there, parent_id = shelf.tasks.get(task_id), None if where is None else self.pick(where)
        same = {name: there[name] for name in ("title", "description", "is_completed")} if there else {"title": "x"}
        body = {"parent_id": parent_id} | (same if method == "PUT" else {})
        answer = shelf.person.request(method, f"{tasks_of(mount, shelf.person.id)}/{task_id}", json=body)
        if there is None:
            assert_error(answer, 404, "task_not_found")
        elif parent_id is not None and parent_id not in shelf.tasks:
            assert unknown_references(answer) == [("body", "parent_id")]
        elif parent_id == there["parent_id"]:
            assert (answer.status_code, answer.json()) == (200, there)
        elif parent_id in (task_id, *self.below(shelf, task_id)):
            assert_error(answer, 409, "below_itself")
        elif self.depth(shelf, parent_id) + self.height(shelf, task_id) > TASK_LEVELS:
            assert_error(answer, 409, "too_many_levels")
        else:
            assert answer.status_code == 200
            list_id = there["list_id"] if parent_id is None else shelf.tasks[parent_id]["list_id"]
            self.wrote(shelf, answer, {"parent_id": parent_id, "list_id": list_id})
            self.went_along(shelf, task_id)


def test_each_sees_exactly_their_own_trees_whatever_both_do(server: RunningServer, shared_database: str) -> None:
    class Machine(Trees):
        pass

    Machine.server, Machine.database = server, shared_database
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=8, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]),
    )
