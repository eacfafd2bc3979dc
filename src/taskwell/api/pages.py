"""The pages for a browser: a first page, and the API page. Neither needs anything from another server."""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Header as HeaderParameter
from fastapi.openapi.docs import get_swagger_ui_html

from taskwell import __version__
from taskwell.api.openapi import under_prefix
from taskwell.web import conditions
from taskwell.web.reply import Header, Reply
from taskwell.web.request import ApiRequest

router = APIRouter(include_in_schema=False)

IfNoneMatch = Annotated[str | None, HeaderParameter(alias="if-none-match")]

PREFIXES_KEPT = 16
"""So many prefixes have their pages kept. A proxy that passes on what its clients write can name any number of them."""

_HOME = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Taskwell</title>
<link rel="icon" href="{base}docs/favicon-32x32.png">
<style>
  body {{ max-width: 40rem; margin: 4rem auto; padding: 0 1rem; font: 1.1rem/1.6 system-ui, sans-serif; color: #1d2733 }}
  a {{ color: #0b57d0 }} code {{ background: #eef1f5; padding: .1em .3em; border-radius: .2em }}
  @media (prefers-color-scheme: dark) {{
    body {{ background: #14181d; color: #dde3ea }} a {{ color: #8ab4f8 }} code {{ background: #262c34 }}
  }}
</style>
<h1>Taskwell</h1>
<p>This is a task backend: to-do apps, scripts and assistants keep their tasks here, each user's strictly apart.</p>
<p>Try it on <a href="{base}docs">the API page</a>. Programs read <a href="{base}openapi.json">openapi.json</a>.</p>
<p><small>Version {version}</small></p>
</html>
"""

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}


class Page:
    """A page is bytes that stay the same while the process lives."""

    def __init__(self, body: bytes, media_type: str) -> None:
        self._tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        kept = ((b"etag", self._tag.encode()), (b"cache-control", b"no-cache"))
        headers: tuple[Header, ...] = ((b"content-type", media_type.encode()), *kept)
        if media_type.startswith("text/html"):
            headers += ((b"content-security-policy", _policy(body.decode())), (b"referrer-policy", b"no-referrer"))
        self._whole = Reply(200, body, headers)
        self._unchanged = Reply(304, headers=kept)

    def reply(self, if_none_match: str | None) -> Reply:
        return self._unchanged if conditions.has_page(if_none_match, self._tag) else self._whole


class Pages:
    """Holds the pages. Those that hold addresses are made for each prefix."""

    def __init__(self, describes: Callable[[], dict[str, Any]]) -> None:
        """`describes` gives the OpenAPI description of the application."""
        resources = files("fastapi_swagger.resources")
        self._assets = {f"/docs/{name}": Page((resources / name).read_bytes(), kind) for name, kind in _ASSETS.items()}
        self._describes = describes
        self._under = lru_cache(PREFIXES_KEPT)(self._made_under)
        self._described_under = lru_cache(PREFIXES_KEPT)(self._described)

    def find(self, path: str, prefix: str) -> Page:
        return self._assets.get(path) or self._under(prefix)[path]

    async def description(self, prefix: str) -> Page:
        # The first time it takes a second, in which others are answered.
        return await asyncio.to_thread(self._described_under, prefix)

    def _described(self, prefix: str) -> Page:
        return Page(json.dumps(under_prefix(self._describes(), prefix)).encode(), "application/json")

    def _made_under(self, prefix: str) -> dict[str, Page]:
        # Without a prefix that we know of, addresses are relative to the page, which is right behind any other one as well.
        base = f"{prefix}/" if prefix else ""
        html = get_swagger_ui_html(
            openapi_url=f"{base}openapi.json",
            title="Taskwell: the API",
            swagger_js_url=f"{base}docs/swagger-ui-bundle.js",
            swagger_css_url=f"{base}docs/swagger-ui.css",
            swagger_favicon_url=f"{base}docs/favicon-32x32.png",
            swagger_ui_parameters={"tryItOutEnabled": True, "displayRequestDuration": True},
        )
        return {
            "/": Page(_HOME.format(base=base, version=__version__).encode(), "text/html; charset=utf-8"),
            "/docs": Page(bytes(html.body), "text/html; charset=utf-8"),
        }


def _policy(html: str) -> bytes:
    """Makes the policy of a page. Only its own scripts may run in it, and the policy names each by its digest."""
    digests = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in _scripts(html)
    )
    return (
        f"default-src 'none'; script-src 'self' {digests}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ).encode()


def _scripts(html: str) -> Iterator[str]:
    yield from re.findall(r"<script>(.*?)</script>", html, re.DOTALL)


async def serve_page(request: ApiRequest, if_none_match: IfNoneMatch = None) -> Reply:
    return request.services.of_face(Pages).find(request.template, request.services.prefix.of(request)).reply(if_none_match)


@router.get("/openapi.json", response_model=None)
async def serve_description(request: ApiRequest, if_none_match: IfNoneMatch = None) -> Reply:
    page = await request.services.of_face(Pages).description(request.services.prefix.of(request))
    return page.reply(if_none_match)


for _path in ("/", "/docs", *(f"/docs/{name}" for name in _ASSETS)):
    router.get(_path, response_model=None)(serve_page)
