"""Every operation names its one scope in OpenAPI, and docs/api.md says the same."""

import re
from pathlib import Path

from taskwell.api import description
from taskwell.identity.scopes import SCOPES

DOCS = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
DOCUMENT = description()
NEEDS_NONE = {
    "POST /auth/register",
    "POST /auth/token",
    "POST /auth/revoke",
    "POST /oauth/token",
    "POST /oauth/revoke",
    "GET /.well-known/jwks.json",
    "GET /healthz",
    "GET /readyz",
}


def needed() -> dict[str, str | None]:
    """By method and path, as the page writes them. The same ones named by owner must need the same."""
    found: dict[str, str | None] = {}
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path.removeprefix('/api/v1').removeprefix('/users/{user_id}')}"
            scopes = [scope for way in operation.get("security", []) for names in way.values() for scope in names]
            assert len(scopes) <= 1, (name, scopes)
            scope = scopes[0] if scopes else None
            assert found.setdefault(name, scope) == scope, name
    return found


def test_the_page_has_the_scope_of_every_operation_and_no_other() -> None:
    documented = dict(re.findall(r"^\| `([A-Z]+ \S+)` \| `([a-z:]+)` \|", DOCS, re.MULTILINE))
    assert documented == {name: scope for name, scope in needed().items() if scope is not None}


def test_what_needs_no_scope_is_known() -> None:
    assert {name for name, scope in needed().items() if scope is None} == NEEDS_NONE


def test_every_scope_is_described() -> None:
    scheme = DOCUMENT["components"]["securitySchemes"]["Sign-in"]
    assert set(scheme["flows"]["password"]["scopes"]) == set(SCOPES)
    assert all(f"`{scope}`" in DOCS for scope in SCOPES)
