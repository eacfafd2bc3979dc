"""GET /tasks, page by page: nothing skipped, nothing repeated, whatever happens in between."""

import asyncio
import base64
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskwell.api.records import next_link
from taskwell.api.task_query import TaskQuery
from taskwell.app import build_app
from taskwell.types import Priority, new_id
from taskwell.web.request import ApiRequest
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import Person, person
from tests.support.errors import invalid_fields
from tests.support.mounts import at_every_mount, tasks_of
from tests.support.pages import cursor_of, titles
from tests.support.server import RunningServer

TASKS = "/api/v1/tasks"


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("completed", [None, "true", "false"])
def test_pages_follow_each_other_exactly(alice: Person, order: str, completed: str | None) -> None:
    tasks = [alice.creates(str(number), is_completed=number % 3 == 0) for number in range(13)]
    expected = [task for task in tasks if completed is None or task["is_completed"] == (completed == "true")]
    if order == "newest":
        expected.reverse()
    query = {"limit": 2, "order": order} | ({} if completed is None else {"completed": completed})
    assert alice.sees(**query) == expected


def test_the_last_page_says_that_it_is_the_last_even_when_it_is_full(alice: Person) -> None:
    for _ in range(4):
        alice.creates()
    first = alice.get(f"{TASKS}?limit=2")
    second = alice.get(TASKS, params={"limit": 2, "cursor": cursor_of(first)})
    assert len(titles(second)) == 2
    assert second.json()["next_cursor"] is None
    assert "link" not in second.headers


def test_the_limit_may_change_from_page_to_page(alice: Person) -> None:
    for number in range(6):
        alice.creates(str(number))
    first = alice.get(f"{TASKS}?limit=1")
    second = alice.get(TASKS, params={"limit": 3, "cursor": cursor_of(first)})
    assert titles(first) + titles(second) == ["5", "4", "3", "2"]


@at_every_mount
def test_the_link_leads_to_the_next_page_of_the_same_list(alice: Person, mount: str) -> None:
    for number in range(5):
        alice.creates(str(number), is_completed=True)
    address = tasks_of(mount, alice.id)
    page = alice.get(f"{address}?order=oldest&completed=true&limit=2")
    seen = titles(page)
    while "next" in page.links:
        assert page.links["next"]["url"].startswith(f"{address}?")
        assert quote(cursor_of(page)) in page.links["next"]["url"]
        page = alice.get(page.links["next"]["url"])
        seen += titles(page)
    assert seen == ["0", "1", "2", "3", "4"]
    assert page.json()["next_cursor"] is None


def test_the_addresses_of_an_answer_are_percent_encoded(own_database: str, tmp_path: Path) -> None:
    """A server may be told that it stands behind any prefix (`uvicorn --root-path`), and names it in its answers."""
    prefix = '/Ümläut > 100% "x"'
    app = build_app(settings_for(own_database, tmp_path, auth="none"))

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, root_path=prefix)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            path = quote(f"{prefix}{TASKS}")
            made = [await client.post(path, json={"title": title}) for title in "ab"]
            placed = await client.put(f"{path}/{uuid4()}", json={"title": "c"}, headers={"If-None-Match": "*"})
            first = await client.get(path, params={"limit": 2, "order": "oldest"})
            answers = [first, await client.get(first.links["next"]["url"])]
            return answers + [await client.get(answer.headers["location"]) for answer in (*made, placed)]

    first, second, *found = asyncio.run(ask())
    assert first.links["next"]["url"].startswith(quote(f"{prefix}{TASKS}") + "?")
    assert titles(first) + titles(second) == ["a", "b", "c"]
    assert [answer.json()["title"] for answer in found] == ["a", "b", "c"]


def test_the_values_of_a_link_are_percent_encoded(server: RunningServer) -> None:
    """Whatever a filter may hold one day."""
    asked: Any = {"limit": 7, "completed": 'a&b=c d#"><é', "order": "%2B+;,\r\n"}
    scope = {"type": "http", "path": TASKS, "headers": []}
    request = ApiRequest(scope, None, server.app.services)  # type: ignore[arg-type]
    link = next_link(request, TaskQuery.model_construct(**asked), "+/=&").decode("ascii")
    found = re.fullmatch(r'<([!-;=?-~]+)>; rel="next"', link)
    assert found is not None
    url = httpx.URL(found[1])
    assert dict(url.params) == {name: str(value) for name, value in asked.items()} | {"cursor": "+/=&"}


def test_a_cursor_serves_for_its_owner_and_list_only(alice: Person, bob: Person, carol: Person) -> None:
    for who in (alice, bob):
        for _ in range(3):
            who.creates(is_completed=True)
    cursor = cursor_of(alice.get(f"{TASKS}?limit=1"))
    assert alice.get(TASKS, params={"cursor": cursor}).status_code == 200
    assert alice.get(f"/users/{alice.id}/tasks", params={"cursor": cursor}).status_code == 200
    assert carol.get(f"/users/{alice.id}/tasks", params={"cursor": cursor}).status_code == 200
    for other in (
        bob.get(TASKS, params={"cursor": cursor}),
        carol.get(TASKS, params={"cursor": cursor}),
        carol.get(f"/users/{bob.id}/tasks", params={"cursor": cursor}),
        alice.get(TASKS, params={"cursor": cursor, "order": "oldest"}),
        alice.get(TASKS, params={"cursor": cursor, "completed": "true"}),
        alice.get(TASKS, params={"cursor": cursor, "completed": "false"}),
        alice.get(TASKS, params=[("cursor", cursor), ("cursor", cursor)]),
    ):
        assert invalid_fields(other) == ["cursor"]


def test_the_place_of_a_deleted_task_is_still_a_place(alice: Person) -> None:
    tasks = [alice.creates(str(number)) for number in range(4)]
    cursor = cursor_of(alice.get(f"{TASKS}?limit=2"))
    for task in tasks[2:]:
        alice.delete(f"{TASKS}/{task['id']}")
    assert titles(alice.get(TASKS, params={"cursor": cursor})) == ["1", "0"]


def garbage_cursors() -> list[str]:
    raw = base64.urlsafe_b64encode
    return [
        " ", "a", "abc", "null", "0", "-1", "=", "====", "\x00", "\U0001f914",
        "x" * 100, "x" * 101, "x" * 3000, "' OR 1=1 --", raw(bytes(32)).decode(), raw(b"\xff" * 32).decode(),
        raw(b"\x7f" * 24).decode(), raw(bytes(75)).decode(), '{"id":1}', "../..", "%", "é",
    ]  # fmt: skip


@pytest.mark.parametrize("cursor", garbage_cursors())
def test_a_cursor_that_is_none_is_refused(alice: Person, cursor: str) -> None:
    assert invalid_fields(alice.get(TASKS, params={"cursor": cursor})) == ["cursor"]


def test_a_cursor_of_which_one_letter_is_changed_is_refused(alice: Person) -> None:
    for _ in range(2):
        alice.creates()
    cursor = cursor_of(alice.get(f"{TASKS}?limit=1"))
    for position in range(len(cursor)):
        changed = cursor[:position] + ("A" if cursor[position] != "A" else "B") + cursor[position + 1 :]
        if base64.urlsafe_b64decode(changed + "=") != base64.urlsafe_b64decode(cursor + "="):
            assert invalid_fields(alice.get(TASKS, params={"cursor": changed})) == ["cursor"]


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_tasks_of_the_very_same_moment_are_neither_skipped_nor_repeated(alice: Person, shared_database: str, order: str) -> None:
    ids = sorted(uuid4() for _ in range(11))
    insert(shared_database, alice, ids[1::2] + ids[::-2])  # so that the order on disk is of no help
    seen = [UUID(task["id"]) for task in alice.sees(limit=3, order=order)]
    assert seen == (ids if order == "oldest" else ids[::-1])


# What happens between two pages: a task at the near end, at the far end or in the middle of the list, or one that goes.
_Event = tuple[str, int]
# Where a task stands in each order, and whether the last comes first. `rank` is the order of a search.
_PLACES: dict[str, tuple[Callable[[dict[str, Any]], tuple[Any, ...]], bool]] = {
    "newest": (lambda task: (task["created_at"], task["id"]), True),
    "oldest": (lambda task: (task["created_at"], task["id"]), False),
    "updated": (lambda task: (task["revision"], task["id"]), True),
    "due": (lambda task: (task["due"] is None, (task["due"] or {"date": ""})["date"], task["id"]), False),
    "priority": (lambda task: (get_args(Priority).index(task["priority"]), task["created_at"], task["id"]), True),
    "position": (lambda task: (task["position"], task["id"]), False),
    "title": (lambda task: (task["title"], task["id"]), False),
    "rank": (lambda task: (task["title"].startswith("milk "), task["created_at"], task["id"]), True),
}
_events = st.lists(st.tuples(st.sampled_from(["create", "insert", "delete"]), st.integers(0, 30)), max_size=4)


@given(
    count=st.integers(0, 9),
    limit=st.integers(1, 4),
    order=st.sampled_from(sorted(_PLACES)),
    between=st.lists(_events, max_size=6),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_comes_and_goes_between_pages_a_task_that_stays_is_seen_once_and_in_order(
    server: RunningServer, shared_database: str, count: int, limit: int, order: str, between: list[list[_Event]]
) -> None:
    with person(server, shared_database, "alice") as alice:
        insert(shared_database, alice, [new_id() for _ in range(count)], apart=True)
        stays = {task["id"] for task in alice.sees()}
        gone: set[str] = set()
        seen: list[dict[str, Any]] = []
        rounds = iter(between)
        query: dict[str, Any] = {"limit": limit} | ({"q": "milk"} if order == "rank" else {"order": order})
        while True:
            page = alice.get(TASKS, params=query).json()
            seen += page["items"]
            assert len(seen) <= 50, "it comes to an end"
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
            for events in islice(rounds, 1):
                for event in events:
                    gone |= happens(event, alice, shared_database, sorted(stays - gone))
        seen_ids = [task["id"] for task in seen]
        assert len(set(seen_ids)) == len(seen_ids), "none is seen twice"
        assert stays - gone <= set(seen_ids), "what stays is seen"
        place, is_descending = _PLACES[order]
        places = [place(task) for task in seen]
        assert places == sorted(places, reverse=is_descending), "all in one order"


def happens(event: _Event, alice: Person, database: str, there: list[str]) -> set[str]:
    """The ids of the tasks that are gone after it."""
    kind, number = event
    if kind == "create":
        alice.creates("milk 0")
    elif kind == "insert":
        insert(database, alice, [new_id()], at=number)
    elif there:
        doomed = there[number % len(there)]
        assert alice.delete(f"{TASKS}/{doomed}").status_code == 204
        return {doomed}
    return set()


def insert(database: str, who: Person, ids: list[UUID], *, apart: bool = False, at: int = 0) -> None:
    """Tasks with chosen times of creation, which the API never gives twice: all at one moment, or some seconds `apart`.

    In every other order some of them are equal, and some are not.
    """
    postgres.query(
        database,
        "WITH one AS (UPDATE users SET revision = revision + 1 WHERE id = $1 RETURNING revision),"
        " new AS (SELECT id, timestamptz '2026-01-01' + interval '1 second' * ($3::int + $4::int * 3 * place) AS at,"
        "                (place * 7 + $3::int) % 5 AS n"
        "         FROM unnest($2::uuid[]) WITH ORDINALITY AS given (id, place))"
        " INSERT INTO tasks (user_id, id, title, is_completed, created_at, updated_at, revision, priority, due, due_sort)"
        " SELECT $1, id, CASE WHEN n < 2 THEN 'milkshake ' ELSE 'milk ' END || n, false, at, at, revision,"
        "        (ARRAY['none', 'low', 'low', 'high', 'urgent'])[n + 1],"
        "        CASE WHEN n < 3 THEN jsonb_build_object('date', date '2026-03-01' + n::int / 2) END,"
        "        CASE WHEN n < 3 THEN date '2026-03-01' + n::int / 2 + time '23:59:59.999999' END"
        " FROM new, one",
        who.id,
        ids,
        at,
        int(apart),
    )


def test_no_text_is_taken_for_the_end_of_a_task(alice: Person) -> None:
    texts = [",\n", "},\n{", '"},{"', "\\n,", "\x1e", "]", ",\\n" * 80]
    tasks = [alice.creates(text, description=text) for text in (f"x{part}y" for part in texts)]
    for limit in (1, 2, 100):
        assert alice.sees(limit=limit, order="oldest") == tasks
