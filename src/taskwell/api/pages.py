"""The pages for a browser: a first page, and the API page. Neither needs anything from another server."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Header as HeaderParameter
from fastapi.openapi.docs import get_swagger_ui_html

from taskwell import __version__
from taskwell.web import conditions
from taskwell.web.reply import Header, Reply
from taskwell.web.request import ApiRequest

router = APIRouter(include_in_schema=False)

IfNoneMatch = Annotated[str | None, HeaderParameter(alias="if-none-match")]

_HOME = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Taskwell</title>
<link rel="icon" href="docs/favicon-32x32.png">
<style>
  body {{ max-width: 40rem; margin: 4rem auto; padding: 0 1rem; font: 1.1rem/1.6 system-ui, sans-serif; color: #1d2733 }}
  a {{ color: #0b57d0 }} code {{ background: #eef1f5; padding: .1em .3em; border-radius: .2em }}
  @media (prefers-color-scheme: dark) {{
    body {{ background: #14181d; color: #dde3ea }} a {{ color: #8ab4f8 }} code {{ background: #262c34 }}
  }}
</style>
<h1>Taskwell</h1>
<p>This is a task backend: to-do apps, scripts and assistants keep their tasks here, each user's strictly apart.</p>
<p>Try it on <a href="docs">the API page</a>. Programs read <a href="openapi.json">openapi.json</a>.</p>
<p><small>Version {__version__}</small></p>
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


class Pages(dict[str, Page]):
    """Holds every page by its path."""


def make_pages(description: dict[str, Any]) -> Pages:
    """Makes the pages. `description` is the OpenAPI description of the application."""
    html = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Taskwell: the API",
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon-32x32.png",
        swagger_ui_parameters={"tryItOutEnabled": True, "persistAuthorization": True, "displayRequestDuration": True},
    )
    resources = files("fastapi_swagger.resources")
    assets = {f"/docs/{name}": Page((resources / name).read_bytes(), kind) for name, kind in _ASSETS.items()}
    return Pages(
        assets
        | {
            "/": Page(_HOME.encode(), "text/html; charset=utf-8"),
            "/docs": Page(bytes(html.body), "text/html; charset=utf-8"),
            "/openapi.json": Page(json.dumps(description).encode(), "application/json"),
        }
    )


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
    return request.services.of_face(Pages)[request.scope["path"]].reply(if_none_match)


for _path in ("/", "/docs", "/openapi.json", *(f"/docs/{name}" for name in _ASSETS)):
    router.get(_path, response_model=None)(serve_page)
