import pytest

from tests.clients.environment import ENVIRONMENT


@pytest.fixture(scope="session")
def environment() -> None:
    if not (ENVIRONMENT / ".made").exists():
        pytest.skip("there is no environment for clients: `make clients` makes it, with npm and a network")
