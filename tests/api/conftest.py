"""What the tests of the API share beyond the cast."""

from collections.abc import Iterator

import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.stored import stored


@pytest.fixture
def nothing_stored(alice: Person, bob: Person, carol: Person, shared_database: str) -> Iterator[None]:
    """Not a row, not a revision more after the test than before."""
    before = stored(shared_database)
    yield
    assert stored(shared_database) == before


@pytest.fixture
def signed(alice: Person) -> tuple[str, str]:
    return "Authorization", f"Bearer {alice.token}"


@pytest.fixture(scope="module", autouse=True)
def forgotten_failures(shared_database: str) -> None:
    """All tests come from one address; what a module before this one did wrong on purpose must not keep it out."""
    postgres.run(shared_database, "DELETE FROM failed_sign_ins")
