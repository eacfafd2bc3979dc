"""How the path is written under which a proxy shows this server, such as /tasks-api."""

import re

LONGEST = 255

# RFC 3986 2.3: these characters stand for themselves in every address, and need no escape in HTML, JSON or a header. A segment
# of dots would lead elsewhere, and an empty one at the begin (//evil.example) to another host.
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)+")


def read_prefix(text: str) -> str | None:
    """Returns the prefix without a slash at its end, or None if the text is not such a path. A slash alone is no prefix: ""."""
    prefix = text.removesuffix("/")
    if len(prefix) > LONGEST or (prefix and not _PREFIX.fullmatch(prefix)):
        return None
    return prefix
