"""Which days a rule of recurrence names, against dateutil's own `rrule`; and that no rule keeps anybody waiting."""

from datetime import date, datetime, time, timedelta
from itertools import takewhile

import pytest
from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrulestr
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from taskwell.tasks import rules
from taskwell.tasks.rules import next_day, parsed

STEPS = {YEARLY: 40 * 365, MONTHLY: 200 * 28, WEEKLY: 200 * 7, DAILY: 500}
DAYS = st.dates(date(1990, 1, 1), date(2080, 12, 31))
WEEKDAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])


def some(each: st.SearchStrategy[object]) -> st.SearchStrategy[str]:
    return st.lists(each, min_size=1, max_size=4, unique=True).map(lambda values: ",".join(map(str, values)))


def signed(most: int) -> st.SearchStrategy[int]:
    return st.integers(1, most) | st.integers(-most, -1)


@st.composite
def a_rule(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    possible: dict[str, st.SearchStrategy[object]] = {
        "INTERVAL": st.integers(1, 12),
        "WKST": WEEKDAYS,
        "BYMONTH": some(st.integers(1, 12)),
        "BYDAY": some(WEEKDAYS),
    }
    if frequency != "WEEKLY":
        possible["BYMONTHDAY"] = some(signed(31))
    if frequency == "YEARLY":
        possible |= {"BYWEEKNO": some(signed(53)), "BYYEARDAY": some(signed(366))}
    if frequency in ("MONTHLY", "YEARLY"):
        possible["BYDAY"] = some(st.tuples(st.sampled_from(["", "1", "2", "-1"]), WEEKDAYS).map("".join))
    names = draw(st.lists(st.sampled_from(sorted(possible)), max_size=4, unique=True))
    parts = {name: draw(possible[name]) for name in names}
    if frequency in ("MONTHLY", "YEARLY") and any(name.startswith("BY") for name in names):
        parts |= draw(st.sampled_from([{}, {"BYSETPOS": "1"}, {"BYSETPOS": "-1"}]))
    return ";".join([f"FREQ={frequency}", *(f"{name}={value}" for name, value in parts.items())])


def days_of(text: str, start: date, until: date) -> list[date]:
    """By rrule alone. It never ends where a rule names no day, so the rule has one that it names for sure."""
    end = datetime.combine(until, time.max)
    found = rrulestr(text, dtstart=datetime.combine(start, time.min))
    return [at.date() for at in takewhile(lambda at: at <= end, found)]


@given(text=a_rule(), start=DAYS)
def test_each_day_leads_to_the_next_one_of_rrule(text: str, start: date) -> None:
    try:
        rule = parsed(text)
    except ValueError:
        reject()  # numbers in BYDAY beside BYWEEKNO, or days that no month has
    first = next_day(rule, start, start)
    assume(first is not None and first.year < start.year + 12)
    assert first is not None
    named = [day for day in days_of(text, start, first + timedelta(days=1500))[:40] if day > start]
    assert named[0] == first
    day = start
    for expected in named:
        if (expected - day).days >= STEPS[rule.frequency] * rule.interval:
            break
        assert next_day(rule, start, day) == expected
        # An occurrence leads to the next one as well when nothing is known but it, as it is with a task that has moved on.
        assert day == start or next_day(rule, day, day) == expected
        day = expected


@pytest.mark.parametrize(
    ("text", "start", "then"),
    [
        ("FREQ=MONTHLY", "2026-01-31", ["2026-03-31", "2026-05-31", "2026-07-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("FREQ=YEARLY", "2024-02-29", ["2028-02-29", "2032-02-29"]),
        ("FREQ=YEARLY", "2096-02-29", ["2104-02-29"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", "2026-11-23", ["2026-11-25", "2026-12-07", "2026-12-09"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "1997-08-05", ["1997-08-17", "1997-08-19"]),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2", "2026-11-25", ["2026-12-02", "2026-12-09"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-11-26", ["2026-11-30", "2026-12-31"]),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "2026-01-01", ["2026-12-28", "2032-12-27"]),
    ],
)
def test_days_that_are_not_in_every_month_or_year(text: str, start: str, then: list[str]) -> None:
    day = date.fromisoformat(start)
    for expected in then:
        following = next_day(parsed(text), day, day)
        assert following is not None
        assert following.isoformat() == expected
        day = following


def test_what_was_missed_for_long_is_not_walked_through() -> None:
    start, now = date(1900, 1, 2), date(2026, 11, 26)
    for text in ("FREQ=DAILY;INTERVAL=7", "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=1;WKST=SU"):
        assert next_day(parsed(text), start, now) == date(2026, 12, 1)
    assert next_day(parsed("FREQ=MONTHLY;INTERVAL=2"), start, now) == date(2027, 1, 2)
    assert next_day(parsed("FREQ=YEARLY;INTERVAL=4"), start, now) == date(2028, 1, 2)


NEVER = [
    "FREQ=YEARLY;BYMONTH=2;BYDAY=MO,TU;BYMONTHDAY=29;BYYEARDAY=1",
    "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=7",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
    "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3",
    "FREQ=MONTHLY;BYDAY=5MO,5TU;BYMONTH=2;BYMONTHDAY=1",
    "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    "FREQ=DAILY;INTERVAL=400;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=WEEKLY;INTERVAL=400;BYMONTH=2;BYDAY=MO;BYSETPOS=7",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
]


@pytest.mark.parametrize("text", NEVER)
def test_a_rule_that_names_no_day_is_given_up_after_its_steps(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert next_day(parsed(text), date(2026, 11, 23), date(2026, 11, 23)) is None
    steps: list[int] = []
    count = rules._CountedInterval._count

    def counted(interval: rules._CountedInterval) -> None:
        steps.append(1)
        count(interval)

    monkeypatch.setattr(rules._CountedInterval, "_count", counted)
    next_day(parsed(text), date(2026, 11, 23), date(2026, 11, 23))
    assert 1 <= len(steps) <= 501


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DAILY",
        "FREQ",
        "FREQ=",
        "FREQ=HOURLY",
        "FREQ=DAILY;",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;m4rk3r=1",
        "FREQ=m4rk3r",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;BYEASTER=0",
        "FREQ=DAILY;DTSTART=20261224",
        "INTERVAL=2",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY\nEXDATE:20261224",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=401",
        "FREQ=DAILY;INTERVAL=1.5",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=10000",
        "FREQ=DAILY;COUNT=2;UNTIL=20261224",
        "FREQ=DAILY;UNTIL=20261301",
        "FREQ=DAILY;UNTIL=2026-12-24",
        "FREQ=DAILY;UNTIL=20261224T250000Z",
        "FREQ=DAILY;UNTIL=20261224T1800",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYMONTH=-1",
        "FREQ=DAILY;BYMONTH=",
        "FREQ=DAILY;BYMONTH=1,,2",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=٣",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=XX",
        "FREQ=YEARLY;BYDAY=54MO",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=DAILY;BYDAY=1MO",
        "FREQ=MONTHLY;BYWEEKNO=1",
        "FREQ=MONTHLY;BYYEARDAY=1",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
        "FREQ=YEARLY;BYSETPOS=1",
        "FREQ=YEARLY;BYMONTH=1;BYSETPOS=367",
        "FREQ=YEARLY;WKST=1",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2,4;BYMONTHDAY=31,-31",
    ],
)
def test_what_is_no_rule_of_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  the message is for the client
        parsed(text)
    assert "m4rk3r" not in str(refused.value)
