"""GET /overview: how many open tasks there are, by place and by date."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields

OVERVIEW = "/api/v1/overview"
OF_USER = "/api/v1/users/{user}/overview"
EMPTY = {"inbox": 0, "overdue": 0, "today": 0, "upcoming": 0, "lists": [], "labels": []}


def day(number: int) -> dict[str, str]:
    """So many days from today, where the account is: in UTC."""
    return {"date": str(datetime.now(UTC).date() + timedelta(days=number))}


def test_somebody_without_anything_has_an_overview(alice: Person) -> None:
    assert alice.get(OVERVIEW).json() == EMPTY


def test_it_counts_what_is_open(alice: Person, bob: Person) -> None:
    bob.creates(labels=["home"], due=day(0), list_id=bob.creates_list()["id"])
    food, empty = alice.creates_list("Food"), alice.creates_list("Empty")
    for number in (-2, -1, 0, 6, 7):
        alice.creates(due=day(number), labels=["Home"])
    milk = alice.creates(list_id=food["id"], labels=["home", "errand"])
    alice.creates("below", parent_id=milk["id"])
    alice.creates(is_completed=True, due=day(-1), labels=["done"], list_id=empty["id"])
    doomed = alice.creates(labels=["gone"])
    alice.delete(f"/api/v1/tasks/{doomed['id']}")
    counts = alice.get(OVERVIEW).json()
    assert {name: counts[name] for name in ("inbox", "overdue", "today", "upcoming")} == {
        "inbox": 5, "overdue": 2, "today": 1, "upcoming": 2,
    }  # fmt: skip
    assert counts["lists"] == [
        {"id": food["id"], "name": "Food", "open": 2},
        {"id": empty["id"], "name": "Empty", "open": 0},
    ]
    assert [(label["name"], label["open"]) for label in counts["labels"]] == [
        ("done", 0),
        ("errand", 1),
        ("gone", 0),
        ("Home", 6),
    ]
    for days, upcoming in ((1, 1), (7, 2), (8, 3), (366, 3)):
        assert alice.get(f"{OVERVIEW}?upcoming={days}").json() == counts | {"upcoming": upcoming}
    alice.delete(f"/api/v1/lists/{food['id']}")
    assert [one["name"] for one in alice.get(OVERVIEW).json()["lists"]] == ["Empty"]


def test_it_agrees_with_the_lists_of_tasks(alice: Person) -> None:
    made = alice.creates_list()
    for number in range(-3, 10):
        alice.creates(due=day(number), list_id=made["id"] if number % 2 else None, labels=["home"] if number % 3 else [])
    counts = alice.get(OVERVIEW).json()

    def total(**query: str) -> int:
        found: int = alice.get("/api/v1/tasks", params={"count": "true", "completed": "false"} | query).json()["total"]
        return found

    assert counts["inbox"] == total(list_id="inbox")
    assert counts["overdue"] == total(overdue="true")
    assert counts["today"] == total(today="true")
    assert counts["upcoming"] == total(upcoming="7")
    assert counts["lists"][0]["open"] == total(list_id=made["id"])
    assert counts["labels"][0]["open"] == total(label="home")


def test_without_dates_it_is_a_304_until_something_is_written(alice: Person) -> None:
    task = alice.creates(due=day(-1))
    first = alice.get(f"{OVERVIEW}?dates=false")
    assert first.json() == {"inbox": 1, "lists": [], "labels": []}
    tag = {"If-None-Match": first.headers["etag"]}
    assert tag["If-None-Match"] == alice.get("/api/v1/tasks").headers["etag"]
    unchanged = alice.get(f"{OVERVIEW}?dates=false", headers=tag)
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag["If-None-Match"])
    alice.patch(f"/api/v1/tasks/{task['id']}", json={"is_completed": True})
    assert alice.get(f"{OVERVIEW}?dates=false", headers=tag).json()["inbox"] == 0


def test_with_dates_it_is_never_a_304(alice: Person) -> None:
    tag = alice.get(f"{OVERVIEW}?dates=false").headers["etag"]
    for condition in (tag, "*"):
        answer = alice.get(OVERVIEW, headers={"If-None-Match": condition})
        assert (answer.status_code, answer.json()) == (200, EMPTY)
        assert "etag" not in answer.headers


def test_a_day_is_one_where_the_account_is(alice: Person) -> None:
    alice.patch("/api/v1/auth/me", json={"time_zone": "Pacific/Kiritimati"})  # UTC+14
    here = (datetime.now(UTC) + timedelta(hours=14)).date()
    alice.creates(due={"date": str(here)})
    alice.creates(due={"date": str(here - timedelta(days=1))})
    if (datetime.now(UTC) + timedelta(hours=14)).date() == here:  # else it was midnight there
        counts = alice.get(OVERVIEW).json()
        assert (counts["today"], counts["overdue"]) == (1, 1)


@pytest.mark.parametrize(
    "query", ["upcoming=0", "upcoming=367", "upcoming=", "dates=no", "dates=", "limit=1", "dates=true&dates=true"]
)
def test_what_it_does_not_know_is_refused(alice: Person, query: str) -> None:
    assert invalid_fields(alice.get(f"{OVERVIEW}?{query}")) == [query.partition("=")[0]]


def test_each_has_their_own(alice: Person, bob: Person, carol: Person, anonymous: httpx.Client) -> None:
    alice.creates(list_id=alice.creates_list("Secret")["id"], labels=["secret"])
    assert bob.get(OVERVIEW).json() == EMPTY
    assert_error(bob.get(OF_USER.format(user=alice.id)), 404, "user_not_found")
    assert_error(bob.get(OF_USER.format(user=uuid4())), 404, "user_not_found")
    assert_error(anonymous.get(OVERVIEW), 401, "token_missing")
    assert carol.get(OF_USER.format(user=alice.id)).json() == alice.get(OVERVIEW).json() != EMPTY
    theirs = alice.get(f"{OVERVIEW}?dates=false").headers["etag"]
    assert bob.get(f"{OVERVIEW}?dates=false", headers={"If-None-Match": theirs}).status_code == 200
