"""GET /changes?wait=...: the answer comes as soon as there is something, and else when the time is up."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from taskwell.changes.watch import Watch
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.replica import CHANGES, page_of
from tests.support.server import RunningServer
from tests.support.signed_in import AUTH
from tests.support.until import until


def token_of(person: Person, **query: Any) -> str:
    token: str = page_of(person.get(CHANGES, params=query))["next"]
    return token


def is_waiting(server: RunningServer, person: Person) -> bool:
    return any(one.owner == person.id for one in list(server.app.services.of_face(Watch)._waiting))


def while_waiting(server: RunningServer, person: Person, query: dict[str, Any], *events: Any) -> httpx.Response:
    query = {"since": query.get("since") or token_of(person), "wait": 60} | query
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(person.get, CHANGES, params=query)
        until(lambda: is_waiting(server, person))
        for event in events:
            assert not answer.done()
            event()
        return answer.result()


def test_what_is_there_already_is_not_waited_for(alice: Person) -> None:
    since = token_of(alice)
    alice.creates("milk")
    (item,) = page_of(alice.get(CHANGES, params={"since": since, "wait": 60}))["items"]
    assert item["record"]["title"] == "milk"
    assert page_of(alice.get(CHANGES, params={"wait": 60}))["items"] != []


def test_the_answer_comes_with_the_write(server: RunningServer, alice: Person, bob: Person) -> None:
    answer = while_waiting(server, alice, {}, bob.creates, lambda: alice.creates("milk"))
    assert [item["record"]["title"] for item in page_of(answer)["items"]] == ["milk"]
    until(lambda: not is_waiting(server, alice))


def test_what_another_process_writes_ends_the_wait(server: RunningServer, alice: Person, shared_database: str) -> None:
    sql = f"UPDATE users SET revision = 1, account_revision = 1, display_name = 'Ali' WHERE id = '{alice.id}'"
    answer = while_waiting(server, alice, {}, lambda: postgres.run(shared_database, sql))
    assert [item["record"]["display_name"] for item in page_of(answer)["items"]] == ["Ali"]


def test_a_lists_feed_waits_for_that_list(server: RunningServer, alice: Person) -> None:
    here = alice.creates_list()
    query = {"since": token_of(alice, list_id=here["id"]), "list_id": here["id"]}
    answer = while_waiting(server, alice, query, lambda: alice.creates("no"), lambda: alice.creates("yes", list_id=here["id"]))
    assert [item["record"]["title"] for item in page_of(answer)["items"]] == ["yes"]


def test_the_time_is_up(alice: Person) -> None:
    since = token_of(alice)
    page = page_of(alice.get(CHANGES, params={"since": since, "wait": 1}))
    assert (page["items"], page["has_more"]) == ([], False)
    assert page_of(alice.get(CHANGES, params={"since": page["next"]}))["items"] == []


def test_who_is_signed_out_waits_no_more(server: RunningServer, alice: Person) -> None:
    answer = while_waiting(server, alice, {}, lambda: alice.post(f"{AUTH}/sign-out-everywhere"))
    assert_error(answer, 401, "token_invalid")


def test_who_hangs_up_is_waited_for_no_more(server: RunningServer, alice: Person) -> None:
    since = token_of(alice)
    with pytest.raises(httpx.ReadTimeout):
        alice.get(CHANGES, params={"since": since, "wait": 60}, timeout=1)
    until(lambda: not is_waiting(server, alice))


@pytest.mark.parametrize("wait", ["-1", "61", "x", "1.5", ""])
def test_it_waits_a_minute_at_most(alice: Person, wait: str) -> None:
    assert invalid_fields(alice.get(CHANGES, params={"wait": wait})) == ["wait"]
