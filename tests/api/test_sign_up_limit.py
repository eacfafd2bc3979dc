"""TASKWELL_SIGN_UPS_PER_HOUR: how many may try to sign up from one address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import PASSWORD
from tests.support.errors import assert_error
from tests.support.server import serve
from tests.support.signed_in import AUTH, ME, TOKEN, bearer, browser, new_email

pytestmark = pytest.mark.usefixtures("cheap_passwords")


@contextmanager
def behind_a_proxy(database_url: str, folder: Path, **limit: Any) -> Iterator[httpx.Client]:
    settings = settings_for(database_url, folder, trusted_proxies="127.0.0.1").model_copy(
        update={"sign_ups_per_hour": 100} | limit
    )
    with serve(settings) as server, browser(server) as client:
        yield client


def signs_up(client: httpx.Client, at: str, email: str | None = None) -> httpx.Response:
    new = {"email": email or new_email(), "password": PASSWORD}
    return client.post(f"{AUTH}/register", json=new, headers={"X-Forwarded-For": at})


def test_a_hundred_an_hour_and_then_none_whichever_server_is_asked(own_database: str, tmp_path: Path) -> None:
    with behind_a_proxy(own_database, tmp_path) as one, behind_a_proxy(own_database, tmp_path) as other:
        for _ in range(50):
            assert signs_up(one, "192.0.2.1").status_code == 201
            assert signs_up(other, "192.0.2.1").status_code == 201
        for client in (one, other):
            answer = signs_up(client, "192.0.2.1")
            assert_error(answer, 429, "too_many_sign_ups")
            assert 3000 < int(answer.headers["retry-after"]) <= 3600
        (users,) = postgres.query(own_database, "SELECT count(*) FROM users")
        assert users[0] == 100
        assert signs_up(one, "192.0.2.2").status_code == 201
        postgres.query(own_database, "UPDATE sign_ups SET since = since - interval '1 hour'")
        assert signs_up(one, "192.0.2.1").status_code == 201


def test_a_household_of_ipv6_is_one_address_and_a_taken_one_counts(own_database: str, tmp_path: Path) -> None:
    taken = new_email()
    with behind_a_proxy(own_database, tmp_path, sign_ups_per_hour=3) as client:
        assert signs_up(client, "2001:db8:1:1::1", taken).status_code == 201
        assert_error(signs_up(client, "2001:db8:1:1::2", taken), 409, "email_taken")
        assert client.post(f"{AUTH}/register", json={}, headers={"X-Forwarded-For": "2001:db8:1:1::2"}).status_code == 400
        assert signs_up(client, "[2001:db8:1:1:f::3]:443").status_code == 201
        assert_error(signs_up(client, "2001:db8:1:1::4", taken), 429, "too_many_sign_ups")
        assert signs_up(client, "2001:db8:1:2::1").status_code == 201
        # Who has an account signs in all the same.
        form = {"username": taken, "password": PASSWORD}
        assert client.post(TOKEN, data=form, headers={"X-Forwarded-For": "2001:db8:1:1::4"}).status_code == 200


def test_who_asks_by_changes_of_their_own_address_counts_as_well(own_database: str, tmp_path: Path) -> None:
    taken, own = new_email(), new_email()
    with behind_a_proxy(own_database, tmp_path, sign_ups_per_hour=4) as client:
        for email in (taken, own):
            assert signs_up(client, "192.0.2.1", email).status_code == 201
        token = client.post(TOKEN, data={"username": own, "password": PASSWORD}).json()["access_token"]
        headers = bearer(token) | {"X-Forwarded-For": "192.0.2.1"}
        asks = {"email": taken, "password": PASSWORD}
        assert_error(client.patch(ME, json=asks | {"password": "wrong password"}, headers=headers), 403, "wrong_password")
        for _ in range(2):
            assert_error(client.patch(ME, json=asks, headers=headers), 409, "email_taken")
        for email in (taken, new_email()):
            assert_error(client.patch(ME, json=asks | {"email": email}, headers=headers), 429, "too_many_sign_ups")


def test_changes_of_the_own_address_count_as_attempts_too(own_database: str, tmp_path: Path) -> None:
    taken, own = new_email(), new_email()
    with behind_a_proxy(own_database, tmp_path, sign_ups_per_hour=None) as client:
        for email in (taken, own):
            assert signs_up(client, "192.0.2.1", email).status_code == 201
        token = client.post(TOKEN, data={"username": own, "password": PASSWORD}).json()["access_token"]
        headers = bearer(token) | {"X-Forwarded-For": "192.0.2.1"}
        asks = {"email": taken, "password": PASSWORD}
        for _ in range(10):
            assert_error(client.patch(ME, json=asks, headers=headers), 409, "email_taken")
        assert_error(client.patch(ME, json=asks, headers=headers), 429, "too_many_attempts")
        assert_error(signs_up(client, "192.0.2.1", taken), 429, "too_many_attempts")
        assert client.patch(ME, json={"display_name": "B"}, headers=headers).status_code == 200
        assert client.patch(ME, json=asks | {"email": new_email()}, headers=headers).status_code == 200


def test_off_is_no_limit(own_database: str, tmp_path: Path) -> None:
    with behind_a_proxy(own_database, tmp_path, sign_ups_per_hour=None) as client:
        for _ in range(4):
            assert signs_up(client, "192.0.2.1").status_code == 201
        assert postgres.query(own_database, "SELECT 1 FROM sign_ups") == []


def test_the_table_tells_nobody_who_signs_up_from_where(own_database: str, tmp_path: Path) -> None:
    postgres.query(
        own_database, "INSERT INTO sign_ups SELECT 'old ' || n, 1, now() - interval '2 hours' FROM generate_series(1, 9) n"
    )
    with behind_a_proxy(own_database, tmp_path) as client:
        assert signs_up(client, "192.0.2.1").status_code == 201
    (row,) = postgres.query(own_database, "SELECT key FROM sign_ups")  # and what is old is swept away
    assert "192" not in row["key"]
