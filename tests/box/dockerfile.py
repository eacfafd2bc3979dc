"""A Dockerfile as data: as much of its language as ours uses."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)
    """Each word and what follows it, in order; what a line continues is one line."""

    def last(self, word: str) -> str:
        return [rest for name, rest in self.instructions if name == word][-1]

    def words(self, word: str) -> list[str]:
        """Of an instruction in the form of a JSON list, which HEALTHCHECK has behind its options."""
        found: list[str] = json.loads(re.sub(r"^.*?CMD (?=\[)", "", self.last(word)))
        return found


def stages(dockerfile: Path) -> list[Stage]:
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append(Stage(rest.partition(" AS ")[2]))
        elif word and found:  # what stands before the first FROM chooses its image
            found[-1].instructions.append((word, rest.strip()))
    return found
