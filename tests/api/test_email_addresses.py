"""Which e-mail addresses are taken, and that a blank around one is no part of it."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.cli.command import taskwell
from tests.support.cast import PASSWORD
from tests.support.errors import assert_error, invalid_fields
from tests.support.signed_in import AUTH, ME, TOKEN, SignedIn, new_email, try_sign_in

REGISTER = f"{AUTH}/register"
BLANKS = [(" ", ""), ("", " "), ("\t", "\r\n"), ("\u00a0", "\u3000"), ("", " " * 400)]
# What a page or a contact has around an address, and whoever copies it does not see.
BLANKS += [("", "\u200b"), ("\u200b", ""), ("\ufeff", "\u200e"), ("\u202a", "\u202c"), (" \u200f ", "\u2069 \u2060")]

pytestmark = pytest.mark.usefixtures("cheap_passwords")


def signs_up(client: httpx.Client, email: str) -> httpx.Response:
    return client.post(REGISTER, json={"email": email, "password": PASSWORD})


def signs_in(client: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return client.post(TOKEN, data={"username": email, "password": password})


@pytest.mark.parametrize(("before", "after"), BLANKS, ids=ascii)
def test_a_blank_around_an_address_is_no_part_of_it(anonymous: httpx.Client, before: str, after: str) -> None:
    email = new_email()
    answer = signs_up(anonymous, f"{before}{email}{after}")
    assert (answer.status_code, answer.json().get("email")) == (201, email)
    for typed in (email, f"{before}{email}{after}"):
        assert signs_in(anonymous, typed).status_code == 200
        assert_error(signs_up(anonymous, typed), 409, "email_taken")


def test_a_blank_around_the_next_address_neither(anonymous: httpx.Client, dora: SignedIn) -> None:
    email = new_email()
    answer = dora.patch(ME, json={"email": f" {email}\n\u200b", "password": dora.password})
    assert (answer.status_code, answer.json()["email"]) == (200, email)
    assert try_sign_in(anonymous, dora.account._replace(email=email)).status_code == 200


def test_blanks_are_no_more_tries(anonymous: httpx.Client) -> None:
    email = new_email("nobody")
    for number in range(10):
        assert_error(signs_in(anonymous, " " * number + email, "wrong password"), 401, "wrong_credentials")
    assert_error(signs_in(anonymous, f"{email}\t\u200b", "wrong password"), 429, "too_many_attempts")


@pytest.mark.parametrize(
    "domain",
    [
        "localhost",
        "home.local",
        "example.test",
        "test",
        "intranet",
        "nas.lan",
        "box.home.arpa",
        "x.invalid",
        "x.onion",
        "127.0.0.1",
        "[127.0.0.1]",
        "[IPv6:::1]",
    ],
)
def test_an_address_need_not_be_one_that_mail_could_reach(anonymous: httpx.Client, domain: str) -> None:
    email = f"dora-{uuid4().hex[:8]}@{domain}"
    answer = signs_up(anonymous, email)
    assert (answer.status_code, answer.json().get("email")) == (201, email)
    assert signs_in(anonymous, email.upper()).status_code == 200
    assert_error(signs_up(anonymous, email.upper()), 409, "email_taken")


@pytest.mark.parametrize(
    "email",
    [
        "",
        " ",
        "dora",
        "dora@",
        "@localhost",
        "do ra@localhost",
        "dora@ localhost",
        "dora @localhost",
        "dora@local host",
        "a@b@localhost",
    ],
)
def test_what_is_no_address_is_none(anonymous: httpx.Client, email: str) -> None:
    assert invalid_fields(signs_up(anonymous, email)) == ["email"]


def test_the_command_line_takes_them_too(anonymous: httpx.Client, shared_database: str, tmp_path: Path) -> None:
    email = f"dora-{uuid4().hex[:8]}@localhost"
    typed = f"\u202a {email}\t\u202c"
    for words, said in (
        (("users", "add", typed), f"{email} can sign in."),
        (("users", "set-password", typed), f"{email} has a new password."),
        (("users", "make-admin", typed), f"{email} is an administrator."),
    ):
        done = taskwell(*words, cwd=tmp_path, told=f"{PASSWORD}\n", DATABASE_URL=shared_database)
        assert (done.stdout.strip(), done.stderr) == (said, "")
    assert signs_in(anonymous, email).status_code == 200
