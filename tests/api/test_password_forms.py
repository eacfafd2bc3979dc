"""A password is one however a keyboard writes it (RFC 8265), and a hash that was made of the text as it came is still good."""

import unicodedata
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from taskwell.accounts import passwords
from taskwell.accounts.passwords import PASSWORD_BYTES, opaque_string
from tests.support import postgres
from tests.support.cast import CHEAP
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer
from tests.support.signed_in import AUTH, ME, Account, new_email, sign_in, sign_up, try_sign_in

COMPOSED = "cr\u00e8me br\u00fbl\u00e9e"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
WIDE = COMPOSED.replace(" ", "\u3000")
NO_BREAK = DECOMPOSED.replace(" ", "\u00a0")

pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each text that argon2 is given."""
    given: list[str] = []

    class Listening:
        def verify_and_update(self, password: str, hashed: str) -> tuple[bool, str | None]:
            given.append(password)
            return CHEAP.verify_and_update(password, hashed)

        def hash(self, password: str) -> str:
            given.append(password)
            return CHEAP.hash(password)

    monkeypatch.setattr(passwords, "_argon2id", Listening())
    return given


@pytest.fixture
def of_before(server: RunningServer, shared_database: str) -> Account:
    """Somebody whose hash was made of the bytes as they came."""
    account = sign_up(server, password=DECOMPOSED)
    _keep(shared_database, account, DECOMPOSED)
    return account


def _keep(database_url: str, account: Account, password: str) -> None:
    postgres.query(database_url, "UPDATE users SET password_hash = $2 WHERE id = $1", account.id, CHEAP.hash(password))


def test_every_space_and_every_composition_is_one() -> None:
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    spaces = [sign for sign in every if unicodedata.category(sign) == "Zs"]
    assert {opaque_string(sign) for sign in spaces} == {" "}
    for sign in every:
        if sign not in spaces:
            assert opaque_string(sign) == unicodedata.normalize("NFC", sign)
        assert opaque_string(opaque_string(sign)) == opaque_string(sign)


@pytest.mark.parametrize("kept", [COMPOSED, DECOMPOSED, WIDE, NO_BREAK])
def test_a_password_signs_in_however_it_is_typed(server: RunningServer, anonymous: httpx.Client, kept: str) -> None:
    account = sign_up(server, password=kept)
    for typed in (COMPOSED, DECOMPOSED, WIDE, NO_BREAK):
        assert try_sign_in(anonymous, account, password=typed).status_code == 200


@pytest.mark.parametrize(
    "other", [COMPOSED.upper(), "\uff43" + COMPOSED[1:], COMPOSED + " ", " " + COMPOSED, "creme brulee", COMPOSED + "\u200b"]
)
def test_nothing_else_is_the_same_password(server: RunningServer, anonymous: httpx.Client, other: str) -> None:
    account = sign_up(server, password=COMPOSED)
    assert_error(try_sign_in(anonymous, account, password=other), 401, "wrong_credentials")


def test_a_hash_of_before_still_signs_in_and_stays_as_it_is(
    anonymous: httpx.Client, of_before: Account, shared_database: str
) -> None:
    def kept() -> object:
        return postgres.query(shared_database, "SELECT password_hash FROM users WHERE id = $1", of_before.id)

    before = kept()
    for _ in range(2):
        assert try_sign_in(anonymous, of_before).status_code == 200
    assert_error(try_sign_in(anonymous, of_before, password=COMPOSED), 401, "wrong_credentials")  # as before
    assert kept() == before


@pytest.fixture(params=["normal", "of before", "another one", "unknown", "disabled", "signs in elsewhere"])
def somebody(request: pytest.FixtureRequest, server: RunningServer, shared_database: str) -> Account:
    if request.param == "unknown":
        return Account(uuid4(), new_email("nobody"))
    account = sign_up(server, password=DECOMPOSED)
    if request.param == "of before":
        _keep(shared_database, account, DECOMPOSED)
    elif request.param == "another one":
        _keep(shared_database, account, "another password")
    elif request.param == "disabled":
        postgres.query(shared_database, "UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    elif request.param == "signs in elsewhere":
        postgres.query(shared_database, "UPDATE users SET password_hash = NULL WHERE id = $1", account.id)
    return account


def test_the_work_follows_from_what_was_sent_alone(anonymous: httpx.Client, somebody: Account, work: list[str]) -> None:
    for typed, hashed in ((COMPOSED, [COMPOSED]), (DECOMPOSED, [COMPOSED, DECOMPOSED]), (WIDE, [COMPOSED, WIDE])):
        work.clear()
        assert try_sign_in(anonymous, somebody, password=typed).status_code in (200, 401)
        assert work == hashed


@pytest.fixture(params=[COMPOSED, DECOMPOSED])
def typed(request: pytest.FixtureRequest) -> str:
    password: str = request.param
    return password


def test_a_password_is_changed_by_either_form_of_the_old_one(
    server: RunningServer, anonymous: httpx.Client, typed: str, work: list[str]
) -> None:
    account = sign_up(server, password=COMPOSED)
    new = "na\u0308chster\u2003Versuch"
    with sign_in(server, account) as dora:
        work.clear()
        change = {"current_password": typed, "new_password": new}
        assert dora.post(f"{AUTH}/password", json=change).status_code == 200
    assert work == [*dict.fromkeys((COMPOSED, typed)), "n\u00e4chster Versuch"]
    for again in (new, "n\u00e4chster Versuch"):
        assert try_sign_in(anonymous, account, password=again).status_code == 200


def test_an_address_is_changed_and_an_account_deleted_by_either_form(server: RunningServer, typed: str) -> None:
    account = sign_up(server, password=COMPOSED)
    moved = account._replace(email=new_email())
    with sign_in(server, account) as dora:
        assert dora.patch(ME, json={"email": moved.email, "password": typed}).status_code == 200
    with sign_in(server, moved) as dora:
        assert dora.request("DELETE", ME, json={"password": typed}).status_code == 204


def test_a_hash_of_before_opens_the_account_itself_as_well(server: RunningServer, of_before: Account) -> None:
    with sign_in(server, of_before) as dora:
        assert_error(dora.request("DELETE", ME, json={"password": COMPOSED}), 403, "wrong_password")
        assert dora.request("DELETE", ME, json={"password": DECOMPOSED}).status_code == 204


def _longest() -> Iterator[tuple[str, str]]:
    """A password as long as it may be, and the same one in the longest form that it has."""
    for letter in ("\u00e9", "\uac01", "\u0390"):
        most = letter * (PASSWORD_BYTES // len(letter.encode()))
        yield most, unicodedata.normalize("NFD", most)
    yield " " * PASSWORD_BYTES, "\u3000" * PASSWORD_BYTES


@pytest.mark.parametrize(("normal", "longer"), list(_longest()), ids=lambda text: ascii(text[0]))
def test_what_may_be_kept_may_be_typed_in_any_form(
    server: RunningServer, anonymous: httpx.Client, normal: str, longer: str
) -> None:
    account = sign_up(server, password=normal)
    assert try_sign_in(anonymous, account, password=longer).status_code == 200
    assert sign_up(server, password=longer)
    for one_more in (normal + "xx" + normal[0], longer + "x" * 3):
        new = {"email": new_email(), "password": one_more}
        assert invalid_fields(anonymous.post(f"{AUTH}/register", json=new)) == ["password"]
        assert invalid_fields(try_sign_in(anonymous, account, password=one_more)) == ["password"]


def test_a_password_of_before_that_is_longer_in_its_normal_form_still_signs_in(
    server: RunningServer, anonymous: httpx.Client, shared_database: str
) -> None:
    long = "\u0958" * 341  # Devanagari qa, which Unicode composes no more: 1,023 bytes, and 2,046 in NFC
    account = sign_up(server)
    _keep(shared_database, account, long)
    assert try_sign_in(anonymous, account, password=long).status_code == 200
    new = {"email": new_email(), "password": long}
    assert invalid_fields(anonymous.post(f"{AUTH}/register", json=new)) == ["password"]


def test_eight_characters_are_counted_as_they_are_kept(anonymous: httpx.Client) -> None:
    for password, status in (("e\u0301" * 7, 400), ("e\u0301" * 8, 201), ("\u1112\u1161\u11ab" * 4, 400)):
        answer = anonymous.post(f"{AUTH}/register", json={"email": new_email(), "password": password})
        assert answer.status_code == status, ascii(password)
