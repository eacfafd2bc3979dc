"""The law of the trash: what is deleted and restored is as it was, but for its revision and when it was updated."""

from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.test_restore_task import lasting
from tests.support.cast import Person
from tests.support.labels import LABELS
from tests.support.lists import LISTS

TASKS, TRASH = "/api/v1/tasks", "/api/v1/trash"


class Case(NamedTuple):
    above: list[int | None]
    """For each task, which earlier one it is below, if any."""
    in_list: list[bool]
    labels: list[bool]
    doomed: tuple[str, int]


cases = st.builds(
    Case,
    above=st.lists(st.none() | st.integers(0, 6), min_size=1, max_size=6),
    in_list=st.lists(st.booleans(), min_size=6, max_size=6),
    labels=st.lists(st.booleans(), min_size=6, max_size=6),
    doomed=st.tuples(st.sampled_from(["task", "bulk", "list", "label"]), st.integers(0, 5)),
)


def everything(who: Person) -> dict[str, Any]:
    records = [*who.sees(), *who.lists(), *who.labels()]
    return {record["id"]: lasting(record) for record in records}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases)
def test_what_comes_back_is_what_was_there(alice: Person, case: Case) -> None:
    made = alice.creates_list()
    ids: list[str] = []
    for number, above in enumerate(case.above):
        parent = ids[above] if above is not None and above < number else None
        place = {"parent_id": parent} if parent else {"list_id": made["id"] if case.in_list[number] else None}
        ids.append(alice.creates(str(number), labels=["x"] if case.labels[number] else [], **place)["id"])
    before = everything(alice)
    kind, number = case.doomed
    if kind == "bulk":
        assert alice.post(f"{TASKS}/delete", json={"ids": ids[number:] or ids}).status_code == 200
    else:
        labels = [label["id"] for label in alice.labels()]
        path = {"list": f"{LISTS}/{made['id']}", "label": f"{LABELS}/{labels[0] if labels else None}"}
        assert alice.delete(path.get(kind, f"{TASKS}/{ids[number % len(ids)]}")).status_code in (204, 400)
    for item in alice.get(f"{TRASH}?limit=100").json()["items"]:
        assert alice.post(f"/api/v1/{item['kind']}s/{item['id']}/restore").status_code == 200
    assert everything(alice) == before
    assert alice.get(TRASH).json()["items"] == []
