"""Two users who delete, restore and repeat, and a model of what each should see: test_state_machine.py, with trash and keys."""

from typing import Any

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from tests.api.test_restore_task import lasting
from tests.api.test_state_machine import Shelf, TwoUsers, mounts, picks, users, whole
from tests.support.errors import assert_error
from tests.support.lists import LIST_MOUNTS
from tests.support.mounts import MOUNTS, tasks_of
from tests.support.server import RunningServer

V1_MOUNTS = [mount for mount in MOUNTS if mount.startswith("/api/v1/")]
keys = st.sampled_from(["one", "another"])
"""Of both users."""


class WithTrash(TwoUsers):
    @initialize()
    def begin(self) -> None:
        self.answers: dict[tuple[str, str], tuple[Any, httpx.Response]] = {}

    def came_back(self, shelf: Shelf, task_id: str, etag: str, task: dict[str, Any]) -> None:
        before, _ = shelf.trash.pop(task_id)
        expected = lasting(before) | {"list_id": before["list_id"] if before["list_id"] in shelf.lists else None}
        assert (lasting(task), task["revision"]) == (expected, shelf.revision)
        assert etag not in shelf.tags[task_id]
        shelf.tags[task_id].append(etag)
        shelf.tasks[task_id] = task
        shelf.deleted.discard(task_id)

    @rule(who=users, mount=st.sampled_from(V1_MOUNTS), number=picks, is_stale=st.booleans())
    def restores(self, who: str, mount: str, number: int, is_stale: bool) -> None:
        """With an ETag from before the deletion nothing is."""
        shelf, task_id = self.shelves[who], self.pick(number)
        headers = {"If-Match": shelf.tags[task_id][-1]} if is_stale and task_id in shelf.trash else {}
        answer = shelf.person.post(f"{tasks_of(mount, shelf.person.id)}/{task_id}/restore", headers=headers)
        if task_id not in shelf.trash:
            assert_error(answer, 404, "task_not_found")
        elif headers:
            current = assert_error(answer, 412, "task_changed")["current"]
            assert lasting(current) == lasting(shelf.trash[task_id][0])
        else:
            assert answer.status_code == 200
            shelf.revision += 1
            self.came_back(shelf, task_id, answer.headers["etag"], answer.json())

    @rule(who=users, mount=st.sampled_from(LIST_MOUNTS), number=picks)
    def restores_a_list(self, who: str, mount: str, number: int) -> None:
        shelf, list_id = self.shelves[who], self.pick_list(number)
        answer = shelf.person.post(f"{tasks_of(mount, shelf.person.id)}/{list_id}/restore")
        if list_id not in shelf.trashed_lists:
            assert_error(answer, 404, "list_not_found")
            return
        assert answer.status_code == 200
        assert lasting(answer.json()) == lasting(shelf.trashed_lists.pop(list_id))
        shelf.revision += 1
        shelf.lists[list_id] = answer.json()
        shelf.deleted_lists.discard(list_id)
        for task_id in [one for one, (_, top) in shelf.trash.items() if top == list_id]:
            task = shelf.person.get(f"/api/v1/tasks/{task_id}")
            self.came_back(shelf, task_id, task.headers["etag"], task.json())

    @rule(who=users, mount=mounts, number=picks)
    def deletes_for_good(self, who: str, mount: str, number: int) -> None:
        shelf, task_id = self.shelves[who], self.pick(number)
        answer = shelf.person.delete(f"{tasks_of(mount, shelf.person.id)}/{task_id}?permanent=true")
        if task_id in shelf.tasks:
            self.went(shelf, task_id, [task_id])
        elif task_id not in shelf.trash:
            assert_error(answer, 404, "task_not_found")
            return
        assert answer.status_code == 204
        del shelf.trash[task_id]

    @rule(who=users)
    def empties_the_trash(self, who: str) -> None:
        shelf = self.shelves[who]
        shown = shelf.person.get("/api/v1/trash?limit=100").json()["items"]
        by_itself = {one for one, (_, top) in shelf.trash.items() if one == top}
        assert {item["id"] for item in shown} == by_itself | set(shelf.trashed_lists)
        assert shelf.person.delete("/api/v1/trash").status_code == 204
        shelf.trash, shelf.trashed_lists = {}, {}

    @rule(who=users, mount=mounts, new=whole, key=keys)
    def creates_with_a_key(self, who: str, mount: str, new: dict[str, Any], key: str) -> None:
        shelf = self.shelves[who]
        asked = tasks_of(mount, shelf.person.id), new
        answer = shelf.person.post(asked[0], json=new, headers={"Idempotency-Key": key})
        before = self.answers.get((who, key))
        if before is None:
            assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)
            self.answers[who, key] = asked, answer
            self.wrote(shelf, answer, {"description": None, "is_completed": False} | new)
        elif before[0] == asked:
            assert (answer.status_code, answer.content) == (201, before[1].content)
            assert answer.headers["idempotency-replayed"] == "true"
        else:
            assert_error(answer, 422, "idempotency_key_reused")


def test_each_restores_and_repeats_what_is_theirs_alone(server: RunningServer, shared_database: str) -> None:
    class Machine(WithTrash):
        pass

    Machine.server, Machine.database = server, shared_database
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=8, stateful_step_count=50, suppress_health_check=[HealthCheck.too_slow]),
    )
