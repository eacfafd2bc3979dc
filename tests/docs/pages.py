"""What README.md and docs/ print to be pasted: fenced blocks, in the order of each page."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCED = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_LOOKS_LIKE_A_COMMAND = re.compile(
    r"^ {4,}(\.venv/|taskwell |make |curl |psql |export |docker |systemctl |pip |openssl )", re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """Its page and its first line."""
        return f"{self.page}: {self.text.splitlines()[0]}"


def blocks(page: Path, language: str) -> list[Block]:
    name = str(page.relative_to(ROOT))
    return [Block(name, *found) for found in _FENCED.findall(page.read_text(encoding="utf-8")) if found[0] == language]


def unfenced_commands(page: Path) -> list[str]:
    """What is indented as code, looks like a command, and is in no block that a test would find."""
    return [found[0] for found in _LOOKS_LIKE_A_COMMAND.finditer(_FENCED.sub("", page.read_text(encoding="utf-8")))]
