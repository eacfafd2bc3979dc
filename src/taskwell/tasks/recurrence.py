"""By which rule a task recurs, and where its next occurrence is."""

from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from taskwell.errors import InvalidInput
from taskwell.tasks.due import LAST_YEAR, When
from taskwell.tasks.rules import RULE_LENGTH, is_over, next_day, parsed


def _rule(text: str) -> str:
    parsed(text)
    return text


RuleText = Annotated[
    str, StringConstraints(min_length=1, max_length=RULE_LENGTH, to_upper=True, strict=True), AfterValidator(_rule)
]


class Recurrence(BaseModel):
    """An RRULE of days (RFC 5545, 3.3.10), which is counted `from` the day on which the task was due, or was completed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    rule: Annotated[RuleText, Field(examples=["FREQ=WEEKLY;BYDAY=MO,WE"])]
    counted_from: Annotated[Literal["schedule", "completion"], Field(alias="from")] = "schedule"

    def after(
        self, due: When, start: When | None, *, today: date, behind: date, finished: int, clocks: ZoneInfo
    ) -> tuple[When, When | None] | None:
        """When the task is due next, and begins: on a day of the rule `behind` that one.

        `finished` are done with the present one. None: it was the last one. `today` is the day where the task is due, and
        `clocks` are those of the account.
        """
        rule, day = parsed(self.rule), date.fromisoformat(due.date)
        counted = today if self.counted_from == "completion" else day
        found = next_day(rule, counted, max(counted, behind))
        if found is None or found.year > LAST_YEAR:
            return None
        following = due.model_copy(update={"date": found.isoformat()})
        instant = following.on_clocks.instant
        if is_over(rule, finished, following.wall, instant, lambda at: at.astimezone(clocks).replace(tzinfo=None)):
            return None
        return following, None if start is None else start.moved(found - day)


def day_on_clocks(due: When, clocks: ZoneInfo) -> date:
    """The day of the task where the account is."""
    instant = due.on_clocks.instant
    return date.fromisoformat(due.date) if instant is None else instant.astimezone(clocks).date()


def refuse_endless_search(recurrence: Recurrence | None, due: When | None) -> None:
    """Raises InvalidInput for a rule that names no day near enough, which dateutil would look for until the year 9999."""
    if recurrence is None or due is None:
        return
    day = date.fromisoformat(due.date)
    if next_day(parsed(recurrence.rule), day, day) is None:
        raise InvalidInput.of("recurrence", "names_no_day", "the rule names no day after due, or none for very long")


def today_at(now: datetime, due: When, clocks: ZoneInfo) -> date:
    """Which day it is where the task is due."""
    return now.astimezone(due.zone or clocks).date()
