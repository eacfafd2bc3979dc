"""What a credential may be used for. One scope is enough for one operation."""

from collections.abc import Iterable
from typing import Final, Literal, get_args

Scope = Literal["tasks:read", "tasks:write", "account", "admin"]

DESCRIPTIONS: Final[dict[Scope, str]] = {
    "tasks:read": "Read your tasks",
    "tasks:write": "Create, change and delete your tasks",
    "account": "Read and change your account, and make API tokens",
    "admin": "Read and change any user's tasks, under /users/{user_id}; for administrators alone",
}
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
EVERYDAY: Final = frozenset[str](scope for scope in SCOPES if scope != "admin")
"""What a sign-in has that asks for nothing special; an administrator's has `admin` besides."""


def joined(scopes: Iterable[str]) -> str:
    """As RFC 6749 3.3 writes them: with spaces, here always in the same order."""
    return " ".join(scope for scope in SCOPES if scope in scopes)


def named(text: str) -> frozenset[str]:
    """Those of `text` that are ours. A space is all that stands between two (RFC 6749 3.3)."""
    return frozenset(text.split(" ")) & frozenset(SCOPES)
