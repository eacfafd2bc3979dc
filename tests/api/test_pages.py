"""What a browser gets: the first page, the API page and what it needs, and the description that it shows."""

import base64
import hashlib
import re
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.support.errors import assert_error
from tests.support.html import References

PAGES = ("/", "/docs")
ASSETS = {
    "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/swagger-ui.css": "text/css; charset=utf-8",
    "/docs/favicon-32x32.png": "image/png",
}
EVERYTHING = (*PAGES, *ASSETS, "/openapi.json")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_nothing_from_any_other_host(anonymous: httpx.Client, path: str) -> None:
    page = anonymous.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    references = References(page.text)
    assert references.urls
    for url in references.urls:
        assert not urlsplit(url).netloc, url
        target = anonymous.get(urljoin(path, url))
        assert target.status_code == 200, url
    assert not re.search(r"https?:|['\"(]//", page.text)


def test_the_first_page_says_what_this_is_and_where_the_api_page_is(anonymous: httpx.Client) -> None:
    page = anonymous.get("/")
    assert "<h1>Taskwell</h1>" in page.text
    assert {"docs", "openapi.json"} <= set(References(page.text).urls)


def test_the_api_page_shows_our_own_description(anonymous: httpx.Client) -> None:
    page = anonymous.get("/docs")
    (script,) = References(page.text).scripts
    assert re.search(r"url: ['\"]openapi\.json['\"]", script)
    assert set(References(page.text).urls) == {path.removeprefix("/") for path in ASSETS}


@pytest.mark.parametrize("path", PAGES)
def test_only_what_the_page_itself_brings_may_run_in_it(anonymous: httpx.Client, path: str) -> None:
    page = anonymous.get(path)
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
    references = References(page.text)
    digests = [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in references.scripts]
    assert policy["default-src"] == "'none'"
    assert policy["script-src"].split() == ["'self'", *digests]
    assert policy["connect-src"] == "'self'"
    for name in ("base-uri", "form-action", "frame-ancestors"):
        assert policy[name] == "'none'"
    assert not any("http" in sources or "*" in sources for sources in policy.values())
    assert references.handlers == []
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ASSETS)
def test_an_asset_is_served_as_what_it_is(anonymous: httpx.Client, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == ASSETS[path]
    assert len(answer.content) > 500


def test_the_style_loads_nothing_from_any_other_host(anonymous: httpx.Client) -> None:
    style = anonymous.get("/docs/swagger-ui.css").text
    assert "@import" not in style
    assert all(url.startswith(("data:", "#")) for url in re.findall(r"url\(\s*['\"]?(.{6})", style))


def test_the_style_and_the_script_are_of_a_swagger_ui_that_knows_openapi_3_1(anonymous: httpx.Client) -> None:
    assert anonymous.get("/openapi.json").json()["openapi"].startswith("3.1")
    assert "isOAS31" in anonymous.get("/docs/swagger-ui-bundle.js").text


@pytest.mark.parametrize("path", EVERYTHING)
def test_what_has_not_changed_is_not_sent_again(anonymous: httpx.Client, path: str) -> None:
    answer = anonymous.get(path)
    tag = answer.headers["etag"]
    again = anonymous.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert anonymous.get(path, headers={"If-None-Match": '"another"'}).status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", EVERYTHING)
def test_a_page_can_be_asked_for_with_head_and_with_nothing_else(anonymous: httpx.Client, path: str) -> None:
    head = anonymous.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(anonymous.get(path).content))
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = anonymous.request(method, path)
        assert_error(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_the_description_is_json(anonymous: httpx.Client) -> None:
    answer = anonymous.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["info"]["title"] == "Taskwell"


@pytest.mark.parametrize(
    "path", ["/docs/", "/docs/../docs/x", "/docs/swagger-ui.css.map", "/redoc", "/favicon.ico", "/index.html", "/DOCS"]
)
def test_nothing_else_is_served(anonymous: httpx.Client, path: str) -> None:
    assert_error(anonymous.get(path), 404, "route_not_found")
