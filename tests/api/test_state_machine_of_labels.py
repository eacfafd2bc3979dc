"""Two users whose tasks carry labels, and a model of both in plain Python, under every write of a label in any order.

The model of a user is two dictionaries: of each label its name, by its id; and of each task the ids of its labels.
"""

import unicodedata
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from tests.support.cast import Person, person
from tests.support.errors import assert_error, invalid_fields
from tests.support.labels import LABELS
from tests.support.server import RunningServer
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"

NOBODYS = str(UUID(int=1))

users = st.sampled_from(["alice", "bob"])
names = st.sampled_from(["home", "Home", "ＨＯＭＥ", " home ", "errand", "Errand", "Straße", "STRASSE", "work", "café", "cafe"])
sets_of_names = st.lists(names, max_size=4)
picks = st.integers(0, 30)


def key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


@dataclass
class Shelf:
    """What one user should have."""

    person: Person
    revision: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, list[str]] = field(default_factory=dict)  # in the order of creation

    def called(self, name: str) -> str | None:
        """The id of the label that has this name, in whichever spelling."""
        return next((id_ for id_, there in self.labels.items() if key(there) == key(name)), None)

    def names(self, task_id: str) -> list[str]:
        return [self.labels[label] for label in self.tasks[task_id]]


class TwoUsersOfLabels(RuleBasedStateMachine):
    server: RunningServer
    database: str

    @initialize()
    def sign_up(self) -> None:
        self.open = [person(self.server, self.database, name) for name in ("alice", "bob")]
        self.shelves = {name: Shelf(opened.__enter__()) for name, opened in zip(("alice", "bob"), self.open, strict=True)}

    def teardown(self) -> None:
        for opened in getattr(self, "open", []):
            opened.__exit__(None, None, None)

    def pick(self, what: str, number: int) -> str:
        """Of both users, or of nobody: whoever asks, for whichever."""
        ids: list[str] = sorted(id_ for shelf in self.shelves.values() for id_ in getattr(shelf, what))
        return [*ids, NOBODYS][number % (len(ids) + 1)]

    def uses(self, shelf: Shelf, sent: list[str]) -> list[str]:
        """The ids of the labels that a task carries then. Those that are new are made."""
        there = {label["name"]: label["id"] for label in shelf.person.labels()}
        for name in sent:
            if shelf.called(name) is None:
                shelf.labels[there[name]] = name
        return [str(shelf.called(name)) for name in sent]

    # ---- tasks

    @rule(who=users, sent=sets_of_names)
    def creates_a_task(self, who: str, sent: list[str]) -> None:
        shelf = self.shelves[who]
        answer = shelf.person.post(TASKS, json={"title": "x", "labels": sent})
        if len({*map(key, sent)}) < len(sent):
            assert invalid_fields(answer) == ["labels"]
            return
        assert answer.status_code == 201
        shelf.tasks[answer.json()["id"]] = self.uses(shelf, sent)
        shelf.revision += 1
        assert answer.json()["labels"] == shelf.names(answer.json()["id"])

    @rule(who=users, number=picks, sent=sets_of_names, method=st.sampled_from(["PATCH", "PUT"]))
    def changes_a_task(self, who: str, number: int, sent: list[str], method: str) -> None:
        shelf, task_id = self.shelves[who], self.pick("tasks", number)
        answer = shelf.person.request(method, f"{TASKS}/{task_id}", json={"title": "x", "labels": sent})
        if len({*map(key, sent)}) < len(sent):
            assert invalid_fields(answer) == ["labels"]
        elif task_id not in shelf.tasks:
            assert_error(answer, 404, "task_not_found")
        else:
            assert answer.status_code == 200
            before, shelf.tasks[task_id] = shelf.tasks[task_id], self.uses(shelf, sent)
            shelf.revision += before != shelf.tasks[task_id]

    @rule(who=users, number=picks)
    def deletes_a_task(self, who: str, number: int) -> None:
        shelf, task_id = self.shelves[who], self.pick("tasks", number)
        answer = shelf.person.delete(f"{TASKS}/{task_id}")
        if task_id not in shelf.tasks:
            assert_error(answer, 404, "task_not_found")
        else:
            assert answer.status_code == 204
            del shelf.tasks[task_id]
            shelf.revision += 1

    # ---- labels

    @rule(who=users, name=names)
    def creates_a_label(self, who: str, name: str) -> None:
        shelf = self.shelves[who]
        answer = shelf.person.post(LABELS, json={"name": name})
        if shelf.called(name) is not None:
            assert_error(answer, 409, "label_name_taken")
        else:
            assert answer.status_code == 201
            shelf.labels[answer.json()["id"]] = name
            shelf.revision += 1

    @rule(who=users, number=picks, name=names, is_merge=st.booleans(), method=st.sampled_from(["PATCH", "PUT"]))
    def renames_a_label(self, who: str, number: int, name: str, is_merge: bool, method: str) -> None:
        shelf, label_id = self.shelves[who], self.pick("labels", number)
        query = {"merge": "true"} if is_merge else {}
        answer = shelf.person.request(method, f"{LABELS}/{label_id}", params=query, json={"name": name})
        other = shelf.called(name)
        if label_id not in shelf.labels:
            assert_error(answer, 404, "label_not_found")
        elif other not in (None, label_id) and not is_merge:
            assert_error(answer, 409, "label_name_taken")
        else:
            assert (answer.status_code, answer.json()["name"]) == (200, name)
            if other not in (None, label_id):
                self.becomes(shelf, str(other), label_id)
            shelf.revision += shelf.labels[label_id] != name
            shelf.labels[label_id] = name

    def becomes(self, shelf: Shelf, other: str, label_id: str) -> None:
        del shelf.labels[other]
        for task_id, labels in shelf.tasks.items():
            shelf.tasks[task_id] = list(dict.fromkeys(label_id if one == other else one for one in labels))

    @rule(who=users, number=picks)
    def deletes_a_label(self, who: str, number: int) -> None:
        shelf, label_id = self.shelves[who], self.pick("labels", number)
        answer = shelf.person.delete(f"{LABELS}/{label_id}")
        if label_id not in shelf.labels:
            assert_error(answer, 404, "label_not_found")
            return
        assert answer.status_code == 204
        del shelf.labels[label_id]
        shelf.tasks = {task_id: [one for one in of if one != label_id] for task_id, of in shelf.tasks.items()}
        shelf.revision += 1

    # ---- at every moment

    @precondition(lambda self: hasattr(self, "shelves"))
    @invariant()
    def each_sees_exactly_their_own(self) -> None:
        for shelf in self.shelves.values():
            tasks = shelf.person.sees(order="oldest")
            assert {task["id"]: task["labels"] for task in tasks} == {task_id: shelf.names(task_id) for task_id in shelf.tasks}
            seen: list[dict[str, Any]] = shelf.person.labels()
            assert {label["id"]: label["name"] for label in seen} == shelf.labels
            counts = {label["id"]: label["task_count"] for label in seen}
            assert counts == {id_: sum(id_ in of for of in shelf.tasks.values()) for id_ in shelf.labels}
            assert revision_of(self.database, shelf.person.id) == shelf.revision


def test_each_sees_their_own_labels_whatever_both_do(server: RunningServer, shared_database: str) -> None:
    class Machine(TwoUsersOfLabels):
        pass

    Machine.server, Machine.database = server, shared_database
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=15, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow]),
    )
