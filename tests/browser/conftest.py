"""The printed client on a page that is a secure context, and on plain http in a network at home."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import chromium
from tests.browser.origin import origin
from tests.browser.place import Place, opens
from tests.conftest import settings_for
from tests.support.server import serve

LAN = "--host-resolver-rules=MAP *.lan 127.0.0.1"  # names that a browser does not take for this machine's own


@pytest.fixture(params=["this machine", "plain http in a network"])
def place(request: pytest.FixtureRequest, shared_database: str, tmp_path: Path) -> Iterator[Place]:
    is_secure = request.param == "this machine"
    with origin() as site:
        if not is_secure:
            site.url = site.url.replace("127.0.0.1", "app.lan")
        with serve(settings_for(shared_database, tmp_path, cors_origins=site.url)) as api:
            site.calls(api.base_url if is_secure else api.base_url.replace("127.0.0.1", "tasks.lan"))
            yield Place(site, is_secure)


@pytest.fixture
def page(place: Place, tmp_path: Path) -> Iterator[Page]:
    with chromium(tmp_path / "profile", LAN) as first:
        opens(first, place.app)
        assert first.evaluate("[isSecureContext, 'locks' in navigator]") == [place.is_secure] * 2
        yield first
