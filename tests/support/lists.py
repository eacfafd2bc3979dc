"""What the tests of lists share."""

import httpx
import pytest

from tests.support.errors import assert_error

LISTS = "/api/v1/lists"
NEW = {"name": "Groceries"}
LIST_MOUNTS = (LISTS, "/api/v1/users/{user}/lists")

at_every_list_mount = pytest.mark.parametrize("mount", LIST_MOUNTS)
at_named_list_mounts = pytest.mark.parametrize("mount", LIST_MOUNTS[1:])


def unknown_references(answer: httpx.Response) -> list[tuple[str, str]]:
    """Where a 400 says that something is named that is not there: (location, field)."""
    details = assert_error(answer, 400, "unknown_reference")
    assert {field["code"] for field in details["fields"]} == {"unknown_reference"}
    assert all(field.keys() == {"location", "field", "code", "message"} for field in details["fields"])
    return [(field["location"], field["field"]) for field in details["fields"]]
