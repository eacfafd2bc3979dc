"""Two people, one after the other, behind one HTTP cache: what a browser is, and what an app may have built in.

Whoever signs in second asks for the same addresses, at the same count of revisions, with a cache that still has the first one's
answers. (A browser itself: tests/browser.)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import requests
from cachecontrol import CacheControl
from requests_cache import CachedSession

from tests.support.cast import PASSWORD
from tests.support.server import RunningServer
from tests.support.signed_in import API_TOKENS, ME, TASKS, SignedIn, bearer, make_api_token, signed_in


class KeepsTags(requests.Session):
    """An app that keeps the last answer of each address with its tag, signed in or out, and asks whether it still holds."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, requests.Response] = {}

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        assert request.url is not None
        known = self.kept.get(request.url)
        if known is not None:
            request.headers["If-None-Match"] = known.headers["etag"]
        answer = super().send(request, **how)
        if answer.status_code == 304:
            assert known is not None
            return known
        if "etag" in answer.headers:
            self.kept[request.url] = answer
        return answer


CACHES: dict[str, Callable[[], requests.Session]] = {
    "CacheControl": lambda: CacheControl(requests.Session()),
    "requests-cache": lambda: CachedSession(backend="memory"),
    "requests-cache that heeds Cache-Control": lambda: CachedSession(backend="memory", cache_control=True),
    "requests-cache that always asks": lambda: CachedSession(backend="memory", always_revalidate=True),
    "requests-cache whose keys have the token": lambda: CachedSession(
        backend="memory", cache_control=True, ignored_parameters=[], match_headers=["Authorization"]
    ),
    "an app that keeps tags": KeepsTags,
}
behind_each_cache = pytest.mark.parametrize("cache", CACHES)
SHARED_ID = uuid4()


class Device:
    """One cache, whoever signs in."""

    def __init__(self, server: RunningServer, cache: str) -> None:
        self._base = server.base_url
        self._session = CACHES[cache]()
        self._session.trust_env = False

    def sees(self, token: str, path: str) -> requests.Response:
        answer = self._session.get(self._base + path, headers=bearer(token))
        assert answer.status_code == 200, answer.text
        return answer

    def shows(self, who: SignedIn) -> None:
        """Only what is theirs, at every address, and again when all of it is in the cache."""
        for _ in range(2):
            for path in (TASKS, f"{TASKS}?limit=1", f"{TASKS}?completed=false", f"/api/v1/users/{who.id}/tasks"):
                assert [task["title"] for task in self.sees(who.token, path).json()["items"]] == [f"of {who.email}"], path
            assert self.sees(who.token, f"{TASKS}/{SHARED_ID}").json()["title"] == f"of {who.email}"
            assert self.sees(who.token, ME).json()["email"] == who.email
            assert [token["name"] for token in self.sees(who.token, API_TOKENS).json()["items"]] == [f"of {who.email}"]


@contextmanager
def somebody(server: RunningServer, name: str) -> Iterator[SignedIn]:
    """Each at the same revision, with a task of the same id."""
    with signed_in(server, name=name) as new:
        new.creates(f"of {new.email}", id=str(SHARED_ID))
        make_api_token(new, name=f"of {new.email}")
        yield new


@pytest.fixture
def dora(server: RunningServer) -> Iterator[SignedIn]:
    with somebody(server, "dora") as new:
        yield new


@pytest.fixture
def erik(server: RunningServer) -> Iterator[SignedIn]:
    with somebody(server, "erik") as new:
        yield new


@behind_each_cache
def test_who_signs_in_after_another_sees_their_own(server: RunningServer, dora: SignedIn, erik: SignedIn, cache: str) -> None:
    device = Device(server, cache)
    device.shows(dora)
    assert dora.post("/api/v1/auth/revoke", data={"token": dora.refresh_token}).status_code == 200
    device.shows(erik)
    device.shows(dora)


@behind_each_cache
def test_who_signs_up_after_another_was_deleted_sees_their_own(server: RunningServer, dora: SignedIn, cache: str) -> None:
    device = Device(server, cache)
    device.shows(dora)
    assert dora.request("DELETE", ME, json={"password": PASSWORD}).status_code == 204
    with somebody(server, "frida") as frida:
        device.shows(frida)


@behind_each_cache
def test_a_new_account_without_a_task_has_none(server: RunningServer, cache: str) -> None:
    device = Device(server, cache)
    with signed_in(server, name="first") as first, signed_in(server, name="second") as second:
        assert device.sees(first.token, TASKS).json()["items"] == []
        task = first.creates("of the first")
        assert device.sees(first.token, TASKS).json()["items"] == [task]
        assert device.sees(second.token, TASKS).json()["items"] == []


def test_a_cache_still_spares_the_same_person_the_answer(server: RunningServer, dora: SignedIn) -> None:
    """Else the tests above would see nothing."""
    for cache in ("CacheControl", "requests-cache that heeds Cache-Control", "an app that keeps tags"):
        device = Device(server, cache)
        first, second = (device.sees(dora.token, TASKS) for _ in range(2))
        assert second is first or second.from_cache or getattr(second.raw, "from_cache", False)  # type: ignore[attr-defined]
