"""What the tests of the API share beyond the cast."""

from collections.abc import Iterator

import pytest

from taskwell.accounts import passwords
from tests.conftest import settings_for
from tests.database.wire import Tap, tapped
from tests.support import postgres
from tests.support.cast import CHEAP, Person
from tests.support.server import RunningServer, serve
from tests.support.signed_in import SignedIn, browser, signed_in
from tests.support.stored import stored


@pytest.fixture
def nothing_stored(alice: Person, bob: Person, carol: Person, shared_database: str) -> Iterator[None]:
    """Not a row, not a revision more after the test than before."""
    before = stored(shared_database)
    yield
    assert stored(shared_database) == before


@pytest.fixture
def dora(server: RunningServer) -> Iterator[SignedIn]:
    """Somebody new who really signed up and in: for tests that change what an account is."""
    with signed_in(server) as somebody:
        yield somebody


@pytest.fixture(scope="module")
def tap(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tap]:
    """An application of which one sees what it asks its database."""
    with (
        tapped(shared_database) as (proxied, wire),
        serve(settings_for(proxied, tmp_path_factory.mktemp("data"))) as server,
        browser(server) as client,
    ):
        yield Tap(server, client, wire)


@pytest.fixture(scope="module")
def cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_argon2id", CHEAP)
        yield


@pytest.fixture
def signed(alice: Person) -> tuple[str, str]:
    return "Authorization", f"Bearer {alice.token}"


@pytest.fixture(scope="module", autouse=True)
def forgotten_failures(shared_database: str) -> None:
    """All tests come from one address; what a module before this one did wrong on purpose must not keep it out."""
    postgres.run(shared_database, "DELETE FROM failed_sign_ins")
