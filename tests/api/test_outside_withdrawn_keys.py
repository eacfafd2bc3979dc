"""A key that another issuer has withdrawn: no token that it signed outlives the next look, however often it was good before."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx
import jwt
import pytest

from taskwell.identity.jwks import RemoteKeys
from tests.conftest import settings_for
from tests.support.errors import assert_error
from tests.support.provider import Key, Provider
from tests.support.server import serve
from tests.support.signed_in import ME, bearer, browser
from tests.support.until import until


class Stage(NamedTuple):
    provider: Provider
    client: httpx.Client
    keys: RemoteKeys

    def ask(self, token: str) -> httpx.Response:
        return self.client.get(ME, headers=bearer(token))

    def later(self, seconds: float) -> None:
        self.keys.clock = lambda: time.monotonic() + seconds


@pytest.fixture
def stage(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Provider("auth0") as provider:
        settings = settings_for(shared_database, tmp_path_factory.mktemp("data"), issuers=[provider.row()])
        with serve(settings) as server, browser(server) as client:
            _, keys = server.sign_in.tokens._outside[provider.issuer]
            assert isinstance(keys, RemoteKeys)
            yield Stage(provider, client, keys)


@pytest.mark.parametrize("name", [{"kid": "1"}, {}, None])
def test_what_was_good_before_is_refused_after_the_next_look(stage: Stage, name: dict[str, str] | None) -> None:
    """Also where both keys have one name, or none; and no other token needs to come."""
    old, new = stage.provider.key, Key.new("RS256")

    def shown(key: Key) -> dict[str, Any]:
        return key.jwk if name is None else {field: value for field, value in key.jwk.items() if field != "kid"} | name

    claims = jwt.decode(stage.provider.token(), options={"verify_signature": False})
    headers = {"kid": old.kid} if name is None else dict(name)
    token = jwt.encode(claims, old.private, algorithm="RS256", headers=headers)
    stage.provider.serves(shown(old))
    assert [stage.ask(token).status_code for _ in range(2)] == [200, 200]
    stage.provider.serves(shown(new))
    stage.later(601)
    assert stage.ask(token).status_code == 200  # while the keys are fetched
    until(lambda: stage.ask(token).status_code != 200)
    assert_error(stage.ask(token), 401, "token_invalid")


def test_what_was_good_before_is_good_for_a_day_without_the_provider_and_no_longer(stage: Stage) -> None:
    token = stage.provider.token()
    assert stage.ask(token).status_code == 200
    stage.provider.stop()
    stage.later(24 * 3600 - 60)
    assert stage.ask(token).status_code == 200
    stage.later(24 * 3600 + 60)
    assert_error(stage.ask(token), 503, "keys_unavailable")
    stage.provider.start()
    stage.later(24 * 3600 + 66)
    assert stage.ask(token).status_code == 200


def test_a_token_that_is_held_until_its_time_is_looked_at_again_then(stage: Stage) -> None:
    at = time.time() + 4
    token = stage.provider.token(iat=at, exp=int(at) + 3600)
    with ThreadPoolExecutor() as threads:
        held = threads.submit(stage.ask, token)
        until(lambda: stage.provider.requests == 1)
        time.sleep(0.5)  # until its signature was checked
        stage.provider.rotate()
        assert stage.ask(stage.provider.token()).status_code == 200
        assert not held.done()
        assert_error(held.result(), 401, "token_invalid")
    assert_error(stage.ask(token), 401, "token_invalid")
