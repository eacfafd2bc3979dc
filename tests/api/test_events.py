"""GET /events: one event for each write, as it happens, and from where one has stopped."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import jwt
import pytest

from taskwell.api import events
from taskwell.changes.watch import Watch
from taskwell.identity.tickets import TICKET_SECONDS
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.events import EVENTS, TICKET, listening
from tests.support.replica import CHANGES, page_of
from tests.support.server import RunningServer
from tests.support.signed_in import AUTH, bearer, make_api_token, refresh, refreshed, sign_in, sign_up, signed_in
from tests.support.until import until

OF_USER = "/api/v1/users/{user}/events"


def test_there_is_one_event_for_each_write(alice: Person, bob: Person) -> None:
    here = alice.creates_list()
    for number in range(3):
        alice.creates(f"{number}", list_id=here["id"])
    with listening(alice) as stream:
        first = stream.next()
        assert first is not None
        assert first.data == {"revision": 4, "token": first.id}
        assert page_of(alice.get(CHANGES, params={"since": first.id}))["items"] == []
        bob.creates()
        alice.delete(f"/api/v1/lists/{here['id']}")
        alice.creates()
        assert [stream.revision(), stream.revision()] == [5, 6]


def test_what_another_process_writes_is_heard(alice: Person, shared_database: str) -> None:
    with listening(alice) as stream:
        assert stream.revision() == 0
        postgres.run(shared_database, f"UPDATE users SET revision = 3 WHERE id = '{alice.id}'")
        assert [stream.revision() for _ in range(3)] == [1, 2, 3]


def test_what_another_process_writes_is_heard_while_somebody_writes_here_all_the_time(
    alice: Person, bob: Person, shared_database: str
) -> None:
    is_over = threading.Event()

    def writes() -> None:
        while not is_over.is_set():
            alice.creates()

    with listening(alice) as busy, listening(bob) as stream, ThreadPoolExecutor(3) as pool:
        assert busy.revision() == stream.revision() == 0
        try:
            for _ in range(2):
                pool.submit(writes)
            until(lambda: len(alice.sees()) > 20)
            postgres.run(shared_database, f"UPDATE users SET revision = 1 WHERE id = '{bob.id}'")
            assert pool.submit(stream.revision).result(10) == 1
        finally:
            is_over.set()


def test_it_goes_on_after_the_last_event(alice: Person) -> None:
    with listening(alice) as stream:
        first = stream.next()
    assert first is not None
    for _ in range(2):
        alice.creates()
    with listening(alice, last=first.id) as stream:
        assert [stream.revision(), stream.revision()] == [1, 2]
        alice.creates()
        assert stream.revision() == 3
    token = page_of(alice.get(CHANGES))["next"]  # of the feed, which is the same
    with listening(alice, last=token) as stream:
        alice.creates()
        assert stream.revision() == 4


def test_who_was_away_for_long_hears_of_each_write(alice: Person, shared_database: str) -> None:
    with listening(alice) as stream:
        first = stream.next()
    assert first is not None
    missed = 2 * events.EVENTS_AT_ONCE + 1
    postgres.run(shared_database, f"UPDATE users SET revision = {missed} WHERE id = '{alice.id}'")
    with listening(alice, last=first.id) as stream:
        assert [stream.revision() for _ in range(missed)] == [*range(1, missed + 1)]
        alice.creates()
        assert stream.revision() == missed + 1


def test_what_was_missed_ends_with_the_sign_in(alice: Person, shared_database: str) -> None:
    with listening(alice) as stream:
        first = stream.next()
    assert first is not None
    missed = 10_000_000
    postgres.run(shared_database, f"UPDATE users SET revision = {missed} WHERE id = '{alice.id}'")
    with listening(alice, last=first.id) as stream:
        assert stream.revision() == 1
        alice.post(f"{AUTH}/sign-out-everywhere")
        last = 1
        while (event := stream.next()) is not None:
            last = event.data["revision"]
        assert last < missed


def test_a_last_event_that_is_not_theirs_or_too_old_is_refused(alice: Person, bob: Person, shared_database: str) -> None:
    token = page_of(alice.get(CHANGES))["next"]
    for last in (page_of(bob.get(CHANGES))["next"], "x", f"{token}x"):
        assert invalid_fields(alice.get(EVENTS, headers={"Last-Event-ID": last})) == ["last-event-id"]
    epoch, _, place = token.partition(".")
    assert_error(alice.get(EVENTS, headers={"Last-Event-ID": f"{epoch[::-1]}.{place}"}), 410, "resync_required")
    alice.creates()
    postgres.run(shared_database, f"UPDATE users SET purged_revision = 1 WHERE id = '{alice.id}'")
    assert_error(alice.get(EVENTS, headers={"Last-Event-ID": token}), 410, "resync_required")


def test_a_heartbeat_says_that_it_is_still_there(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    with alice.stream("GET", EVENTS) as answer:
        lines = answer.iter_lines()
        assert ": still here" in (next(lines) for _ in range(20))


def test_who_leaves_is_waited_for_no_more(server: RunningServer, alice: Person) -> None:
    watch = server.app.services.of_face(Watch)
    with listening(alice) as stream:
        stream.revision()
        until(lambda: any(one.owner == alice.id for one in watch._waiting))
    until(lambda: all(one.owner != alice.id for one in watch._waiting))
    assert not any(one.owner == alice.id for one in watch._waiting)


def test_a_sign_in_that_ends_takes_its_streams_along(
    server: RunningServer, alice: Person, carol: Person, anonymous: httpx.Client
) -> None:
    """At the next probe, for each kind of sign-in: its time is over, it was revoked, the right is gone."""
    short = server.sign_in.tokens.make(alice.id, lifetime_seconds=3)
    script = make_api_token(alice, "tasks:read")
    by_ticket = f"{EVENTS}?ticket={ticket_of(anonymous, **bearer(short))}"  # of a token without a session
    with listening(alice, Authorization=f"Bearer {short}") as stream, listening(anonymous, by_ticket) as too:
        first = too.next()
        assert first is not None
        assert stream.revision() == 0
        assert stream.next() is too.next() is None
    assert_error(anonymous.get(by_ticket, headers={"Last-Event-ID": first.id}), 401, "token_invalid")
    with listening(alice, Authorization=f"Bearer {script['token']}") as stream:
        assert stream.revision() == 0
        alice.delete(f"{AUTH}/tokens/{script['id']}")
        assert stream.next() is None
    with listening(carol, OF_USER.format(user=alice.id)) as of_another, listening(alice) as own:
        assert own.revision() == of_another.revision() == 0
        alice.post(f"{AUTH}/sign-out-everywhere")
        assert own.next() is None
        carol.post(f"{AUTH}/sign-out-everywhere")
        assert of_another.next() is None


def test_no_event_of_anybody_elses_is_heard(alice: Person, bob: Person, anonymous: httpx.Client) -> None:
    for user in (alice.id, uuid4()):
        assert_error(bob.get(OF_USER.format(user=user)), 404, "user_not_found")
    assert_error(anonymous.get(EVENTS), 401, "token_missing")


# ---- tickets ----------------------------------------------------------------------------------------------------------


def ticket_of(person: httpx.Client, **headers: str) -> str:
    answer = person.post(TICKET, headers=headers)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["expires_in"] == TICKET_SECONDS
    ticket: str = answer.json()["ticket"]
    return ticket


def test_a_ticket_opens_a_stream_without_a_header(alice: Person, anonymous: httpx.Client) -> None:
    address = f"{EVENTS}?ticket={ticket_of(alice)}"
    with listening(anonymous, address) as stream:
        assert stream.revision() == 0
        alice.creates()
        assert stream.revision() == 1


def test_a_ticket_is_for_a_minute_and_for_who_comes_back(
    alice: Person, bob: Person, anonymous: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(alice) as stream:
        first = stream.next()
    assert first is not None
    address, now = f"{EVENTS}?ticket={ticket_of(alice)}", time.time()
    of_bob = page_of(bob.get(CHANGES))["next"]
    monkeypatch.setattr(time, "time", lambda: now + TICKET_SECONDS + 5)
    assert_error(anonymous.get(address), 401, "token_invalid")
    with anonymous.stream("GET", address, headers={"Last-Event-ID": ""}) as answer:
        assert answer.status_code == 401
    assert invalid_fields(anonymous.get(address, headers={"Last-Event-ID": of_bob})) == ["last-event-id"]
    alice.creates()
    with listening(anonymous, address, last=first.id) as stream:
        assert stream.revision() == 1
    alice.post(f"{AUTH}/sign-out-everywhere")
    assert_error(anonymous.get(address, headers={"Last-Event-ID": first.id}), 401, "account_unusable")


def test_a_ticket_stands_as_long_as_the_session_that_asked_for_it(
    server: RunningServer, anonymous: httpx.Client, shared_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond its access token, whatever happens to another session, and not beyond the end of its own."""
    account = sign_up(server)
    with sign_in(server, account) as one, sign_in(server, account) as other, sign_in(server, account) as third:
        addresses = [f"{EVENTS}?ticket={ticket_of(session)}" for session in (one, other, third)]
    written = f"UPDATE users SET revision = revision + 1 WHERE id = '{account.id}'"
    with listening(anonymous, addresses[0]) as stream:
        first = stream.next()
        assert first is not None
        now = time.time()
        with monkeypatch.context() as later:
            later.setattr(time, "time", lambda: now + 24 * 3600)
            assert_error(anonymous.get(CHANGES, headers=bearer(one.token)), 401, "token_invalid")
            postgres.run(shared_database, written)
            heard = stream.next()
            assert heard is not None
            with listening(anonymous, addresses[0], last=first.id) as again:
                assert again.next() == heard
        refreshed(anonymous, refreshed(anonymous, other.refresh_token)["refresh_token"])
        assert_error(refresh(anonymous, other.refresh_token), 401, "refresh_token_invalid")  # and all access tokens end
        postgres.run(shared_database, written)
        assert stream.next() is not None
        anonymous.post(f"{AUTH}/revoke", data={"token": one.refresh_token})
        assert stream.next() is None
    with listening(anonymous, addresses[2], last=first.id) as stream:
        assert stream.next() is not None
        assert stream.next() is not None
        postgres.run(shared_database, f"UPDATE sessions SET expires_at = now() WHERE user_id = '{account.id}'")
        assert stream.next() is None
    for address in addresses:
        assert_error(anonymous.get(address, headers={"Last-Event-ID": first.id}), 401, "token_invalid")


def test_a_ticket_ends_with_all_that_ends_a_session(server: RunningServer, anonymous: httpx.Client, shared_database: str) -> None:
    account = sign_up(server)
    for ended in ("signed_out_at", "disabled_at"):
        with sign_in(server, account) as dora:
            address = f"{EVENTS}?ticket={ticket_of(dora)}"
        with listening(anonymous, address) as stream:
            assert stream.next() is not None
            postgres.run(shared_database, f"UPDATE users SET {ended} = clock_timestamp() WHERE id = '{account.id}'")
            assert stream.next() is None
        assert anonymous.get(address).status_code == 401


def test_who_has_signed_out_hears_no_more_and_gets_no_ticket(server: RunningServer, anonymous: httpx.Client) -> None:
    """Although the access token itself is good for a few minutes more."""
    with signed_in(server) as dora:
        with listening(dora) as stream:
            assert stream.next() is not None
            anonymous.post(f"{AUTH}/revoke", data={"token": dora.refresh_token})
            assert stream.next() is None
        for answer in (dora.get(EVENTS), dora.post(TICKET)):
            assert_error(answer, 401, "token_invalid")
        assert dora.get(CHANGES).status_code == 200


def test_a_ticket_is_of_nobody_elses_events(alice: Person, bob: Person, anonymous: httpx.Client) -> None:
    ticket = ticket_of(bob)
    with listening(alice) as stream:
        first = stream.next()
    assert first is not None
    assert_error(anonymous.get(OF_USER.format(user=alice.id), params={"ticket": ticket}), 404, "user_not_found")
    answer = anonymous.get(EVENTS, params={"ticket": ticket}, headers={"Last-Event-ID": first.id})
    assert invalid_fields(answer) == ["last-event-id"]


def test_a_ticket_ends_with_the_api_token_that_asked_for_it(alice: Person, anonymous: httpx.Client) -> None:
    script = make_api_token(alice, "tasks:read")
    ticket = ticket_of(anonymous, **bearer(script["token"]))
    with listening(anonymous, f"{EVENTS}?ticket={ticket}") as stream:
        assert stream.revision() == 0
        alice.delete(f"{AUTH}/tokens/{script['id']}")
        assert stream.next() is None
    assert_error(anonymous.get(f"{EVENTS}?ticket={ticket}"), 401, "token_invalid")


def test_a_ticket_is_good_for_nothing_else(server: RunningServer, alice: Person, anonymous: httpx.Client) -> None:
    ticket = ticket_of(alice)
    assert_error(anonymous.get(CHANGES, headers=bearer(ticket)), 401, "token_invalid")
    assert invalid_fields(alice.get(CHANGES, params={"ticket": ticket})) == ["ticket"]
    assert_error(anonymous.get("/api/v1/tasks", params={"ticket": ticket}), 401, "token_missing")
    # And an access token is no ticket, nor is anything that we did not sign.
    forged = jwt.encode({"sub": str(alice.id), "exp": datetime.now(UTC)}, "x" * 32, headers={"typ": "ticket+jwt"})
    for wrong in (alice.token, ticket[:-2], "x", "", forged):
        assert_error(anonymous.get(EVENTS, params={"ticket": wrong}), 401, "token_invalid")


def test_a_ticket_needs_the_right_to_read(alice: Person, anonymous: httpx.Client) -> None:
    token = make_api_token(alice, "account")["token"]
    assert_error(anonymous.post(TICKET, headers=bearer(token)), 403, "insufficient_scope")
    assert_error(anonymous.post(TICKET), 401, "token_missing")
