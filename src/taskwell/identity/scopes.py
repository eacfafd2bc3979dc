"""What a credential may be used for. One scope is enough for one operation."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

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

_BETWEEN_WORDS = re.compile(r"[\s,;]+")


def joined(scopes: Iterable[str]) -> str:
    """As RFC 6749 3.3 writes them: with spaces, here always in the same order."""
    return " ".join(scope for scope in SCOPES if scope in scopes)


def named(text: str) -> frozenset[str]:
    """Those of `text` that are ours. A space is all that stands between two (RFC 6749 3.3)."""
    return frozenset(text.split(" ")) & frozenset(SCOPES)


def granted(claims: Mapping[str, Any]) -> frozenset[str]:
    """What the token of another issuer may be used for: everything, unless its `scope` or `scp` speaks of us.

    Most issuers write there what is not for us (`openid profile`), and that limits nothing. Raises TypeError where either is
    neither a text nor a list of texts.
    """
    said = [claims[name] for name in ("scope", "scp") if name in claims]  # `scp`: Entra ID, a text; Okta, a list
    words = frozenset[str]().union(*map(_words, said))
    is_limited = any(word in SCOPES or word.lower().startswith("tasks:") for word in words)
    # One that is there and empty says that nothing was granted.
    return words & frozenset(SCOPES) if is_limited or (said and not words) else frozenset(SCOPES)


def _words(claim: object) -> frozenset[str]:
    """RFC 6749 3.3 has spaces between them; some servers write commas, and some a list."""
    texts: list[Any] = claim if isinstance(claim, list) else [claim]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    return frozenset(word for text in texts for word in _BETWEEN_WORDS.split(text) if word)
