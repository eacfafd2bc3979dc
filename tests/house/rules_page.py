"""docs/house-rules.md as the tests read it: the arrows, the sizes, and which test holds which rule."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "house-rules.md").read_text(encoding="utf-8")


def _section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the page has no section {title}"
    return found[1]


ARROWS = {
    part: set(re.findall(r"`(\w+)`", targets))
    for part, targets in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", _section("Arrows"), re.MULTILINE)
}
"""What each part may import, besides itself."""

SIZES = {row[1]: int(row[2]) for row in re.finditer(r"^\| (\w+) \| (\d+) \|", _section("Sizes"), re.MULTILINE)}
"""A file and a function have fewer lines than this."""

HELD_BY = set(re.findall(r"`(test_\w+)`", _section("The rules, and what holds each")))
"""The names of the tests."""
