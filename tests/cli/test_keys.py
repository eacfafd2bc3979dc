"""`taskwell keys rotate`: a new key for new tokens, and nobody is signed out."""

import re
from pathlib import Path
from typing import Any

import jwt
import pytest

from taskwell.api.keys import PublishedKeys
from tests.cli.command import Command, Visitor, taskwell
from tests.conftest import settings_for
from tests.support.server import RunningServer, serve


@pytest.fixture
def command(own_database: str, tmp_path: Path) -> Command:
    """At a database of the test's own: the keys are everybody's."""
    return lambda *words, told="": taskwell(*words, cwd=tmp_path, told=told, DATABASE_URL=own_database)


def rotated(command: Command) -> str:
    done = command("keys", "rotate")
    assert (done.returncode, done.stderr) == (0, "")
    said = re.fullmatch(r"New tokens are signed by the key ([0-9a-f]{12}-[0-9a-f]{8})\.\n", done.stdout)
    assert said is not None, done.stdout
    return said[1]


def published(server: RunningServer, me: Visitor) -> dict[str, Any]:
    """By name, in their order."""
    server.app.services.of_face(PublishedKeys).until = 0.0  # an answer is kept for some seconds
    answer = me.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    return {key["kid"]: key for key in answer.json()["keys"]}


def test_tokens_from_before_stay_good_and_new_ones_have_the_new_key(own_database: str, tmp_path: Path, command: Command) -> None:
    with serve(settings_for(own_database, tmp_path)) as server, Visitor(server.base_url) as me:
        me.signs_up()
        tokens: list[str] = []

        def signs_in() -> str:
            me.signs_in()
            tokens.append(me.headers["Authorization"].removeprefix("Bearer "))
            return str(jwt.get_unverified_header(tokens[-1])["kid"])

        first = signs_in()
        assert list(published(server, me)) == [first]
        second = rotated(command)
        assert list(published(server, me)) == [second, first]
        assert signs_in() == second

        # Of a rotation that the server has not heard of yet.
        third = rotated(command)
        done = command("token", "me@example.com")
        assert (done.returncode, done.stderr) == (0, "")
        tokens.append(done.stdout.strip())
        assert jwt.get_unverified_header(tokens[-1])["kid"] == third
        for token in tokens:
            assert me.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200

        keys = published(server, me)
        assert list(keys) == [third, second, first]
        for token in tokens:
            key = jwt.PyJWK(keys[jwt.get_unverified_header(token)["kid"]])
            assert jwt.decode(token, key, algorithms=["EdDSA"], audience="taskwell", issuer="taskwell")
        assert all("d" not in key for key in keys.values())


def test_the_embedded_database_keeps_its_keys_too(home: Path) -> None:
    data = {"TASKWELL_DATA_DIR": str(home / "data")}
    done = taskwell("keys", "rotate", cwd=home, **data)
    assert (done.returncode, done.stderr) == (0, "")
    kid = done.stdout.split()[-1].rstrip(".")
    assert taskwell("users", "add", "me@example.com", cwd=home, told="correct horse battery", **data).returncode == 0
    token = taskwell("token", "me@example.com", cwd=home, **data).stdout.strip()
    assert jwt.get_unverified_header(token)["kid"] == kid
