"""Scopes say what a credential may be used for. An operation needs one scope."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

Scope = Literal["tasks:read", "tasks:write", "account", "admin"]

DESCRIPTIONS: Final[dict[Scope, str]] = {
    "tasks:read": "Read your tasks and lists",
    "tasks:write": "Create, change and delete your tasks and lists",
    "account": "Read and change your account, and make API tokens",
    "admin": "Read and change any user's tasks and lists, under /users/{user_id}; for administrators alone",
}
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
EVERYDAY: Final = frozenset[str](scope for scope in SCOPES if scope != "admin")
"""The scopes of a sign-in that asks for none. An administrator's sign-in has `admin` as well."""

_BETWEEN_WORDS = re.compile(r"[\s,;]+")


def joined(scopes: Iterable[str]) -> str:
    """The scopes as RFC 6749 3.3 writes them, with spaces between them; always in the same order."""
    return " ".join(scope for scope in SCOPES if scope in scopes)


def named(text: str) -> frozenset[str]:
    """The scopes of `text` that are ours. One space stands between two scopes (RFC 6749 3.3)."""
    return frozenset(text.split(" ")) & frozenset(SCOPES)


def granted(claims: Mapping[str, Any]) -> frozenset[str]:
    """The scopes of another issuer's token: all of ours, unless its `scope` or `scp` names one of ours, or any `tasks:...`.

    Most issuers write scopes there that are not ours (`openid profile`), and those limit nothing. Raises TypeError where either
    claim is neither a text nor a list of texts.
    """
    said = [claims[name] for name in ("scope", "scp") if name in claims]  # `scp`: Entra ID, a text; Okta, a list
    words = frozenset[str]().union(*map(_words, said))
    is_limited = any(word in SCOPES or word.lower().startswith("tasks:") for word in words)
    # A claim that is there and empty says that nothing was granted.
    return words & frozenset(SCOPES) if is_limited or (said and not words) else frozenset(SCOPES)


def _words(claim: object) -> frozenset[str]:
    """The words of a claim. RFC 6749 3.3 puts spaces between them; some servers write commas, and some a list."""
    texts: list[Any] = claim if isinstance(claim, list) else [claim]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    return frozenset(word for text in texts for word in _BETWEEN_WORDS.split(text) if word)
