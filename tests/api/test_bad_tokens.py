"""Everything that could pass for an access token and is none: refused at once, with one answer, before the database is asked."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from taskwell.errors import TaskwellError, TokenInvalid
from taskwell.web.refusals import TokenMissing
from tests.conftest import settings_for
from tests.database.wire import Wire, tapped
from tests.support import postgres
from tests.support.bad_claims import BAD_CLAIMS
from tests.support.bad_forms import BAD_FORMS
from tests.support.bad_headers import BAD_HEADERS
from tests.support.bad_signatures import BAD_SIGNATURES
from tests.support.errors import assert_error
from tests.support.forge import CLAIMS, DAY, GOOD, HEADER, VICTIM, json_of, of_length, token, with_claims, with_header
from tests.support.plain_http import PLAIN_HTTP
from tests.support.server import RunningServer, serve

TASKS = "/api/v1/tasks"
BAD = BAD_SIGNATURES | BAD_HEADERS | BAD_FORMS | BAD_CLAIMS


class Stage(NamedTuple):
    server: RunningServer
    client: httpx.Client
    wire: Wire

    def ask(self, *authorization: bytes, **more: Any) -> httpx.Response:
        headers = [(b"Authorization", value) for value in authorization]
        return self.client.get(TASKS, headers=headers, **more)


@pytest.fixture(scope="module")
def stage(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An application that reaches its database through a tap, and that takes a good token before and after all the bad ones."""
    postgres.query(
        shared_database,
        "INSERT INTO users (id, email, password_hash) VALUES ($1, 'victim@example.com', 'none') ON CONFLICT DO NOTHING",
        VICTIM,
    )
    with (
        tapped(shared_database) as (proxied, wire),
        serve(settings_for(proxied, tmp_path_factory.mktemp("data"))) as server,
        httpx.Client(
            base_url=server.base_url,
            timeout=30,
            trust_env=False,
            verify=PLAIN_HTTP,
            event_hooks={"response": [server.contract.hook]},
        ) as client,
    ):
        stage = Stage(server, client, wire)
        assert stage.ask(b"Bearer " + GOOD).status_code == 200
        yield stage
        assert stage.ask(b"Bearer " + GOOD).status_code == 200


def assert_refused(stage: Stage, answer: httpx.Response, error: type[TaskwellError], mark: int) -> None:
    """Whatever is wrong, it is said in the same words."""
    assert assert_error(answer, 401, error.code) == {}
    assert answer.json()["error"]["message"] == error().message
    assert stage.wire.since(mark) == ""


def test_there_are_enough_of_them() -> None:
    """And none is lost because two have one name, or is there under two."""
    families = (BAD_SIGNATURES, BAD_HEADERS, BAD_FORMS, BAD_CLAIMS)
    assert len(BAD) == sum(map(len, families)) >= 300
    assert len(set(BAD.values())) == len(BAD)
    assert GOOD not in BAD.values()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused(stage: Stage, name: str) -> None:
    mark = stage.wire.mark()
    assert_refused(stage, stage.ask(b"Bearer " + BAD[name]), TokenInvalid, mark)


# ---- what is near to now -------------------------------------------------------------------------------------------

LATE: dict[str, dict[str, float]] = {
    "expired two minutes ago": {"iat": -3600, "exp": -120},
    "expired as soon as made": {"iat": -120, "exp": -120},
    "expired before it was made": {"iat": -120, "exp": -240},
    "of the last second of a day too long": {"iat": -1, "exp": DAY},
    "of the first second of a day too long": {"iat": -DAY, "exp": 1},
    "of half a second too long": {"iat": -0.5, "exp": DAY},
    "from 70 seconds ahead": {"iat": 70, "exp": 3600},
    "from an hour ahead": {"iat": 3600, "exp": 7200},
    "not before 70 seconds": {"iat": -1, "exp": 3600, "nbf": 70},
    "not before an hour": {"iat": -1, "exp": 3600, "nbf": 3600},
}
"""Seconds from now."""


@pytest.mark.parametrize("name", LATE)
def test_a_token_out_of_its_time_is_refused(stage: Stage, name: str) -> None:
    now = time.time()
    mark = stage.wire.mark()
    late = with_claims(**{claim: now + seconds for claim, seconds in LATE[name].items()})
    assert_refused(stage, stage.ask(b"Bearer " + late), TokenInvalid, mark)


# ---- what no client can send ---------------------------------------------------------------------------------------

CONTROLS = {
    f"{control!r} {where}": GOOD[:at] + control + GOOD[at:]
    for control in (b"\0", b"\n", b"\r\n", b"\r", b"\x1f", b"\x7f")
    for where, at in {"before": 0, "in the header": 9, "after the header": GOOD.index(b"."), "after all": len(GOOD)}.items()
}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_character_is_refused_should_a_server_let_it_pass(stage: Stage, name: str) -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(stage.server.app)
        async with httpx.AsyncClient(transport=transport, base_url=stage.server.base_url) as client:
            return await client.get(TASKS, headers=[(b"Authorization", b"Bearer " + CONTROLS[name])])

    mark = stage.wire.mark()
    assert_refused(stage, asyncio.run(ask()), TokenInvalid, mark)


# ---- what stands around the token ----------------------------------------------------------------------------------

SHAPES = {
    "two tokens": (b"Bearer " + GOOD + b" " + GOOD, TokenInvalid),
    "a list": (b"Bearer " + GOOD + b"," + GOOD, TokenInvalid),
    "two challenges": (b"Bearer " + GOOD + b", Bearer " + GOOD, TokenInvalid),
    "another scheme after": (b"Bearer " + GOOD + b", Basic YTpi", TokenInvalid),
    "another scheme before": (b"Basic YTpi, Bearer " + GOOD, TokenMissing),
    "a comma after": (b"Bearer " + GOOD + b",", TokenInvalid),
    "the scheme twice": (b"Bearer Bearer " + GOOD, TokenInvalid),
    "a parameter": (b"Bearer token=" + GOOD, TokenInvalid),
    "a parameter in quotes": (b'Bearer token="' + GOOD + b'"', TokenInvalid),
    "a comment": (b"Bearer " + GOOD + b" (mine)", TokenInvalid),
    "a semicolon": (b"Bearer " + GOOD + b";", TokenInvalid),
    "the scheme alone": (b"Bearer", TokenInvalid),
    "nothing": (b"", TokenMissing),
    "no scheme": (GOOD, TokenMissing),
    "no space": (b"Bearer" + GOOD, TokenMissing),
    "a tab": (b"Bearer\t" + GOOD, TokenMissing),
    "a colon": (b"Bearer: " + GOOD, TokenMissing),
    "an equals sign": (b"Bearer=" + GOOD, TokenMissing),
    "a comma before": (b",Bearer " + GOOD, TokenMissing),
    "in quotes": (b'"Bearer ' + GOOD + b'"', TokenMissing),
    "not ASCII": ("B\u00e9arer ".encode() + GOOD, TokenMissing),
    **{
        f"{name.decode()}": (name + b" " + GOOD, TokenMissing)
        for name in (b"Token", b"JWT", b"DPoP", b"MAC", b"Bear", b"Bearers")
    },
    "Basic": (b"Basic YWxpY2U6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5", TokenMissing),
    "Digest": (b'Digest username="alice"', TokenMissing),
    "Negotiate": (b"Negotiate " + GOOD, TokenMissing),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_header_of_another_shape_is_refused(stage: Stage, name: str) -> None:
    value, code = SHAPES[name]
    mark = stage.wire.mark()
    assert_refused(stage, stage.ask(value), code, mark)


def test_two_headers_are_refused(stage: Stage) -> None:
    good, other = b"Bearer " + GOOD, b"Bearer " + with_claims(jti="another")
    for pair in [(good, good), (good, other), (good, b"Basic YTpi"), (good, b"")]:
        mark = stage.wire.mark()
        assert_refused(stage, stage.ask(*pair), TokenInvalid, mark)
    mark = stage.wire.mark()
    assert_refused(stage, stage.ask(b"Basic YTpi", good), TokenMissing, mark)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"cookies": {"access_token": GOOD.decode(), "Authorization": "Bearer " + GOOD.decode()}},
        {"headers": {"Proxy-Authorization": b"Bearer " + GOOD}},
        {"headers": {"X-Access-Token": GOOD, "X-Forwarded-Authorization": b"Bearer " + GOOD}},
        {"params": {"access_token": GOOD.decode()}},
    ],
    ids=["nowhere", "in a cookie", "for a proxy", "in a header of another name", "in the address"],
)
def test_a_token_anywhere_else_is_none(stage: Stage, more: dict[str, Any]) -> None:
    mark = stage.wire.mark()
    with httpx.Client(base_url=stage.server.base_url, timeout=30, trust_env=False, verify=PLAIN_HTTP, **more) as client:
        assert_refused(stage, client.get(TASKS), TokenMissing, mark)


# ---- so that the table does not refuse everything ------------------------------------------------------------------

ACCEPTED = {
    "as it is": b"Bearer " + GOOD,
    "lower case": b"bearer " + GOOD,
    "upper case": b"BEARER " + GOOD,
    "two spaces": b"Bearer  " + GOOD,
    "an audience of several": b"Bearer " + with_claims(aud=["other", "taskwell"]),
    "a claim of somebody's": b"Bearer " + with_claims(name="Mallory", groups=["admin"], nested={"a": [1]}),
    "a header of somebody's": b"Bearer " + with_header(x="y"),
    "in another order": b"Bearer " + token(dict(reversed(HEADER.items())), dict(reversed(CLAIMS.items()))),
    "with white space": b"Bearer " + token(json_of(HEADER).replace(b",", b" ,\r\n\t"), b"\n" + json_of(CLAIMS) + b"\n"),
    "nearly 8 KiB": b"Bearer " + of_length(8190),
}


@pytest.mark.parametrize("scope", ["", " ", "unknown", "tasks:readonly", "TASKS:READ", "tasks:read,tasks:write", "account", "*"])
def test_a_token_without_the_scope_is_good_and_not_enough(stage: Stage, scope: str) -> None:
    mark = stage.wire.mark()
    assert_error(stage.ask(b"Bearer " + with_claims(scope=scope)), 403, "insufficient_scope")
    assert stage.wire.since(mark) == ""


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_differs_in_nothing_that_matters_is_taken(stage: Stage, name: str) -> None:
    assert stage.ask(ACCEPTED[name]).status_code == 200
