"""A body that names a field twice is refused, whatever the two values are: parsers disagree on which of them counts."""

from itertools import product
from uuid import uuid4

import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error

TASKS = "/api/v1/tasks"

VALUES = {
    "title": ['"x"', '"y, \\"z\\""', '"a:b"', '""', "1", "null"],
    "description": ['"x"', "null", '"{\'}"', '"é"', "true"],
    "is_completed": ["true", "false", '"true"', "null", "0"],
    "list_id": ["null", f'"{uuid4()}"', '"x"'],
    "priority": ['"low"', '"high"', "null"],
}


@pytest.mark.parametrize("name", VALUES)
def test_a_field_that_comes_twice_is_refused_and_nothing_is_stored(alice: Person, name: str) -> None:
    task = alice.post(TASKS, json={"title": "x"}).json()
    others = {other: values[0] for other, values in VALUES.items() if other != name}
    before = "".join(f'"{other}":{value},' for other, value in others.items())
    for one, two in product(VALUES[name], repeat=2):
        for body in (
            f'{{{before}"{name}":{one},"{name}":{two}}}',
            f'{{"{name}": {one}, "title": "t" , "{name}" :{two}}}',
            f'{{"{name}":{one},{before.removesuffix(",")},"{name}":{two}}}',
        ):
            for method, path in (("POST", TASKS), ("PUT", f"{TASKS}/{task['id']}"), ("PATCH", f"{TASKS}/{task['id']}")):
                answer = alice.request(method, path, content=body.encode(), headers={"Content-Type": "application/json"})
                assert_error(answer, 400, "invalid_input")
                assert [field["code"] for field in answer.json()["error"]["details"]["fields"]] == ["json_invalid"], body
    assert alice.get(TASKS).json()["items"] == [task]
