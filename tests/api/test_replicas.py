"""Convergence: a client that applies the feed from any point, whatever it missed, ends equal to the server (docs/sync.md)."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import uuid5

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.support.cast import Person, person
from tests.support.replica import Replica, server_side
from tests.support.server import RunningServer
from tests.support.signed_in import ME

picks = st.integers(0, 5)
labels = st.lists(st.sampled_from(["home", "errand", "later"]), max_size=2, unique=True)
titles = st.sampled_from(["milk", "bread", "tea"])
DAILY = {"due": {"date": "2030-01-01"}, "recurrence": {"rule": "FREQ=DAILY"}}


class Replicas(RuleBasedStateMachine):
    """One user writes whatever comes to mind. Copies are read page by page, by fits and starts."""

    server: RunningServer
    database: str

    @initialize()
    def begin(self) -> None:
        self.writer = person(self.server, self.database, "alice")
        self.replicas = [Replica(self.writer, limit=limit) for limit in (1, 3, 100)]
        of_lists = [Replica(self.writer, list_id=self.list_id(number), limit=2) for number in range(2)]
        self.of_lists = dict(zip((0, 1), of_lists, strict=True))
        for number in self.of_lists:
            self.place_list(number, "list")

    def teardown(self) -> None:
        """What was missed until then is heard."""
        if hasattr(self, "writer"):
            with closing(self.writer):
                self.all_are_equal()

    def list_id(self, number: int) -> str:
        return str(uuid5(self.writer.id, f"list {number}"))

    def task(self, number: int) -> str:
        return f"/api/v1/tasks/{self.task_id(number)}"

    def task_id(self, number: int) -> str:
        return str(uuid5(self.writer.id, f"task {number}"))

    def write(self, method: str, path: str, body: Any = None, **headers: str) -> None:
        answer = self.writer.request(method, path, json=body, headers=headers)
        assert answer.status_code < 500, answer.text

    # ---- what is written: where it is refused, nothing happens, which is right as well

    @rule(number=picks, title=titles, where=st.none() | picks, labels=labels, below=st.none() | picks)
    def place_task(self, number: int, title: str, where: int | None, labels: list[str], below: int | None) -> None:
        place = {} if where is None else {"list_id": self.list_id(where % 2)}
        above = {} if below is None else {"parent_id": self.task_id(below)}
        self.write("PUT", self.task(number), {"title": title, "labels": labels} | place | above, **{"If-None-Match": "*"})

    @rule(
        number=picks,
        change=st.fixed_dictionaries({}, optional={"title": titles, "labels": labels, "is_completed": st.booleans()}),
    )
    def change_task(self, number: int, change: dict[str, Any]) -> None:
        self.write("PATCH", self.task(number), change)

    @rule(number=picks, where=st.none() | picks)
    def move_task(self, number: int, where: int | None) -> None:
        self.write("PATCH", self.task(number), {"list_id": None if where is None else self.list_id(where % 2)})

    @rule(number=picks, where=picks)
    def order_task(self, number: int, where: int) -> None:
        self.write("POST", f"{self.task(number)}/move", {"after": self.task_id(where)})

    @rule(number=picks)
    def delete_task(self, number: int) -> None:
        self.write("DELETE", self.task(number))

    @rule(number=picks, recurs=st.booleans())
    def finish_task(self, number: int, recurs: bool) -> None:
        if recurs:
            self.write("PATCH", self.task(number), DAILY)
        self.write("POST", f"{self.task(number)}/complete", {})

    @rule(numbers=st.lists(picks, min_size=1, max_size=3, unique=True), what=st.sampled_from(["complete", "delete"]))
    def many_tasks(self, numbers: list[int], what: str) -> None:
        self.write("POST", f"/api/v1/tasks/{what}", {"ids": [self.task_id(number) for number in numbers]})

    @rule(number=picks, what=st.sampled_from(["restore", "permanent", "empty"]), of_lists=st.booleans())
    def turn_to_the_trash(self, number: int, what: str, of_lists: bool) -> None:
        path = f"/api/v1/lists/{self.list_id(number % 2)}" if of_lists else self.task(number)
        if what == "restore":
            self.write("POST", f"{path}/restore")
        elif what == "permanent":
            self.write("DELETE", f"{path}?permanent=true")
        else:
            self.write("DELETE", "/api/v1/trash")

    @rule(numbers=st.lists(picks, min_size=1, max_size=3, unique=True), where=picks, atomic=st.booleans())
    def batch(self, numbers: list[int], where: int, atomic: bool) -> None:
        moved = {"list_id": self.list_id(where % 2)}
        changes = [{"op": "change", "kind": "task", "id": self.task_id(number), "value": moved} for number in numbers]
        new = {"op": "create", "kind": "task", "value": {"title": "tea", "labels": ["later"]}}
        self.write("POST", "/api/v1/batch", {"atomic": atomic, "operations": [new, *changes]})

    @rule(number=st.integers(0, 1), name=titles)
    def place_list(self, number: int, name: str) -> None:
        self.write("PUT", f"/api/v1/lists/{self.list_id(number)}", {"name": name}, **{"If-None-Match": "*"})

    @rule(number=st.integers(0, 1), method=st.sampled_from(["PATCH", "DELETE"]), name=titles)
    def change_list(self, number: int, method: str, name: str) -> None:
        self.write(method, f"/api/v1/lists/{self.list_id(number)}", {"name": name} if method == "PATCH" else None)

    @rule(number=picks, name=st.sampled_from(["home", "errand", "away"]), deletes=st.booleans())
    def change_label(self, number: int, name: str, deletes: bool) -> None:
        there = self.writer.labels()
        if there:
            path = f"/api/v1/labels/{there[number % len(there)]['id']}"
            if deletes:
                self.write("DELETE", path)
            else:
                self.write("PATCH", f"{path}?merge=true", {"name": name})

    @rule(zone=st.sampled_from(["UTC", "Europe/Berlin"]), name=titles)
    def change_account(self, zone: str, name: str) -> None:
        self.write("PATCH", ME, {"time_zone": zone, "display_name": name})

    # ---- what is read

    @rule(number=st.integers(0, 2), steps=st.integers(1, 3))
    def hear_some(self, number: int, steps: int) -> None:
        for _ in range(steps):
            self.replicas[number].step()

    @rule(number=st.integers(0, 2))
    def catch_up(self, number: int) -> None:
        self.replicas[number].catch_up()
        assert self.replicas[number].records == server_side(self.writer)

    @rule(number=st.integers(0, 1))
    def hear_of_a_list(self, number: int) -> None:
        self.of_lists[number].step()

    @rule(number=st.integers(0, 2))
    def begin_anew(self, number: int) -> None:
        self.replicas[number] = Replica(self.writer, limit=self.replicas[number].limit)

    @rule()
    def all_are_equal(self) -> None:
        there = server_side(self.writer)
        for replica in self.replicas:
            replica.catch_up()
            assert replica.records == there
        for number, replica in self.of_lists.items():
            replica.catch_up()
            list_id = self.list_id(number)
            assert replica.records == {
                key: one for key, one in there.items() if key == ("list", list_id) or one.get("list_id") == list_id
            }


def test_replicas_end_equal_to_the_server(server: RunningServer, shared_database: str) -> None:
    class Machine(Replicas):
        pass

    Machine.server, Machine.database = server, shared_database
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=10, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]),
    )


def test_a_snapshot_while_others_write_misses_nothing(alice: Person) -> None:
    """Eight write, and three begin to read meanwhile, a few items at a time. Threads, and httpx gives each a connection."""
    for number in range(30):
        alice.creates(f"before {number}", labels=["before"])
    replicas = [Replica(alice, limit=4) for _ in range(3)]
    done: set[int] = set()

    def write(number: int) -> None:
        mine: list[str] = []
        for turn in range(12):
            made = alice.creates(f"{number} {turn}")
            mine.append(made["id"])
            if turn % 3 == 1:
                alice.patch(f"/api/v1/tasks/{mine[-2]}", json={"title": "changed"})
            if turn % 4 == 3:
                alice.delete(f"/api/v1/tasks/{mine.pop(0)}")
        done.add(number)

    def read(number: int) -> None:
        while len(done) < 8:
            replicas[number].step()

    with ThreadPoolExecutor(11) as pool:
        running = [pool.submit(write, number) for number in range(8)] + [pool.submit(read, number) for number in range(3)]
    for one in running:
        one.result()
    there = server_side(alice)
    for replica in replicas:
        replica.catch_up()
        assert replica.records == there
