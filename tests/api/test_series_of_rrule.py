"""The days on which a task that recurs is due, one after the other, are those of `rrule`."""

from datetime import UTC, date, datetime, time
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import postgres
from tests.support.cast import Person

TASKS = "/api/v1/tasks"


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from(["2026-01-31", "2024-02-29", "2026-03-28", "2026-10-24", "2026-12-28"]).map(date.fromisoformat),
    rule=st.sampled_from(
        ["FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,MO", "FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=-1SA", "FREQ=YEARLY"]
    ),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York"]),
    home=st.sampled_from(["UTC", "Asia/Tokyo"]),
)
def test_a_series_is_the_one_of_rrule(alice: Person, shared_database: str, start: date, rule: str, zone: str, home: str) -> None:
    """Each at the same time of the day, through changes of clocks, and while the zone of the account changes."""
    due = {"date": start.isoformat(), "time": "02:30", "time_zone": zone}
    task = alice.creates(due=due, recurrence={"rule": rule})
    expected = [at.date() for at in islice(rrulestr(rule, dtstart=datetime.combine(start, time.min)), 5)]
    for number, day in enumerate([one for one in expected if one > start][:3]):
        if number == 1:
            alice.patch("/api/v1/auth/me", json={"time_zone": home})
        task = alice.post(f"{TASKS}/{task['id']}/complete", json={"occurrence": task["due"]["date"]}).json()
        assert task["due"] == due | {"date": day.isoformat()}
        moment = datetime.combine(day, time(2, 30), ZoneInfo(zone)).astimezone(UTC)
        (row,) = postgres.query(
            shared_database,
            "SELECT due_sort, time_zone FROM tasks JOIN users ON users.id = user_id WHERE tasks.id = $1",
            UUID(task["id"]),
        )
        assert row["due_sort"] == moment.astimezone(ZoneInfo(row["time_zone"])).replace(tzinfo=None)
