"""What handlers work with is `Services`: nothing is read from an application by a name that no type checker knows."""

import ast

import pytest

from tests.house.test_house_rules import TESTS, TREES


@pytest.mark.parametrize("file", TREES | TESTS)
def test_nothing_is_kept_in_the_state_of_an_application(file: str) -> None:
    nodes = [node for node in ast.walk((TREES | TESTS)[file]) if isinstance(node, ast.Attribute | ast.Subscript)]
    assert [node.lineno for node in nodes if ast.unparse(node).endswith(("app.state", "scope['app'].state", "request.app"))] == []


@pytest.mark.parametrize("file", [file for file in TREES if file.startswith("api/")])
def test_a_handler_says_that_it_gets_an_api_request(file: str) -> None:
    """Starlette's `Request` has no `services`."""
    imported = [alias.name for node in ast.walk(TREES[file]) if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert "Request" not in imported
