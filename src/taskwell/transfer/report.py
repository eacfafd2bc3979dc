"""What became of an import: how many records were made, what was refused and why, and what had no place here."""

from collections import Counter
from typing import Final, NamedTuple

REFUSALS_NAMED: Final = 100
"""A report names at most this many refusals, and counts all."""


class Refusal(NamedTuple):
    """`field` is None where the whole record is meant. The message lacks its subject, and never quotes the file."""

    line: int
    field: str | None
    code: str
    message: str


class WithoutPlace(NamedTuple):
    """Something of which Taskwell has no form: how many records had it, and on which line stands the first."""

    what: str
    records: int
    line: int


class Report:
    def __init__(self) -> None:
        self.created: Counter[str] = Counter()
        self.there_already: Counter[str] = Counter()
        self.refused = 0
        self.refusals: list[Refusal] = []
        self._left_out: dict[str, WithoutPlace] = {}

    def refuse(self, line: int, field: str | None, code: str, message: str) -> None:
        self.refused += 1
        if len(self.refusals) < REFUSALS_NAMED:
            self.refusals.append(Refusal(line, field, code, message))

    def leave_out(self, line: int, what: str) -> None:
        before = self._left_out.get(what)
        self._left_out[what] = WithoutPlace(what, 1, line) if before is None else before._replace(records=before.records + 1)

    def add(self, other: "Report") -> None:
        """Adds what became of a part of the import."""
        self.created += other.created
        self.there_already += other.there_already
        self.refused += other.refused
        self.refusals += other.refusals[: REFUSALS_NAMED - len(self.refusals)]

    @property
    def left_out(self) -> list[WithoutPlace]:
        return list(self._left_out.values())
