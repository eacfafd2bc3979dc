"""One e-mail address is one account, and one count, however it is written, on a database of any locale."""

import asyncio
import importlib
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import asyncpg
import httpx
import pytest

from taskwell.database import url
from taskwell.database.migrate import migrate
from taskwell.types import address_key
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import PASSWORD
from tests.support.errors import assert_error
from tests.support.server import serve
from tests.support.signed_in import AUTH, TOKEN, browser

LOCALES = {
    "as the private one": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'",
    "full Unicode": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' LOCALE 'C'",
    "C": "LOCALE_PROVIDER libc LOCALE 'C'",
    "Turkish, by ICU": "LOCALE_PROVIDER icu ICU_LOCALE 'tr' LOCALE 'C'",
    "Turkish, by the system": "LOCALE_PROVIDER libc LOCALE 'tr_TR.UTF-8'",
}

# Where PostgreSQL's `lower` (18, C.UTF-8) and Python's (3.13) differ: the dotted capital I, and what Unicode 16 brought.
DIFFERENT = [0x130, 0x1C89, 0xA7CB, 0xA7CC, 0xA7DA, 0xA7DC, *range(0x10D50, 0x10D66)]


class Stage(NamedTuple):
    client: httpx.Client
    database_url: str

    def signs_up(self, email: str) -> httpx.Response:
        return self.client.post(f"{AUTH}/register", json={"email": email, "password": PASSWORD})

    def signs_in(self, email: str, password: str = PASSWORD, *, at: str = "198.51.100.1") -> httpx.Response:
        return self.client.post(TOKEN, data={"username": email, "password": password}, headers={"X-Forwarded-For": at})


@pytest.fixture(scope="module", params=LOCALES)
def stage(
    postgres_url: str, cheap_passwords: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    name = f"test_{uuid4().hex}"
    try:
        postgres.run(postgres_url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {LOCALES[request.param]}")
    except asyncpg.PostgresError as error:
        pytest.skip(f"this PostgreSQL has no such locale: {error}")
    database_url = postgres.at(postgres_url, name)
    try:
        asyncio.run(migrate(url.parse(database_url)))
        settings = settings_for(database_url, tmp_path_factory.mktemp("data"), trusted_proxies="127.0.0.1")
        with ExitStack() as stack:
            server = stack.enter_context(serve(settings))
            yield Stage(stack.enter_context(browser(server)), database_url)
    finally:
        postgres.drop(postgres_url, name)


SAME = {
    "capitals": ("iris", "IRIS"),
    "one capital": ("iris", "iRis"),
    "accents": ("éva", "ÉVA"),
    "accents apart": ("éva", "e\u0301va"),
    "full width": ("iris", "ｉｒｉｓ"),
    "full width capitals": ("iris", "ＩＲＩＳ"),
    "the Kelvin sign": ("kate", "\u212aate"),
    "a long s": ("sara", "ſara"),
    "sharp s": ("strauß", "STRAUSS"),
    "capital sharp s": ("strauß", "STRAU\u1e9e"),
    "final sigma": ("νίκος", "ΝΊΚΟΣ"),
    "a dotted capital I": ("i\u0307ris", "\u0130ris"),
    "a ligature": ("ﬁona", "fiona"),
    "a variation selector": ("iris", "i\ufe0fris"),
    "a joiner of graphemes": ("iris", "ir\u034fis"),
    "a filler": ("iris", "iris\u3164"),
    "Cherokee": ("\uab70a", "\u13a0a"),
}
APART = {
    "a dotted capital I": ("iris", "\u0130ris"),
    "a dotless i": ("iris", "ırıs"),
    "a dot": ("irisb", "iris.b"),
    "a tag": ("iris", "iris+tasks"),
    "an accent": ("eva", "éva"),
    "another script": ("iris", "іris"),
}


@pytest.mark.parametrize("name", SAME)
def test_spellings_of_one_address_are_one_account(stage: Stage, name: str) -> None:
    domain = f"{uuid4().hex[:8]}.example"
    first, second = (f"{local}@{domain}" for local in SAME[name])
    assert stage.signs_up(first).status_code == 201
    assert_error(stage.signs_up(second), 409, "email_taken")
    assert stage.signs_in(second).status_code == 200


@pytest.mark.parametrize("name", APART)
def test_what_is_another_address_is_another_account(stage: Stage, name: str) -> None:
    domain = f"{uuid4().hex[:8]}.example"
    people = [stage.signs_up(f"{local}@{domain}") for local in APART[name]]
    assert [answer.status_code for answer in people] == [201, 201]
    assert people[0].json()["id"] != people[1].json()["id"]


def test_a_domain_is_what_the_dns_takes_it_for(stage: Stage) -> None:
    local = f"iris{uuid4().hex[:8]}"
    assert stage.signs_up(f"{local}@bücher.example").status_code == 201
    for same in ("BÜCHER.EXAMPLE", "bu\u0308cher.example", "xn--bcher-kva.example", "ｂücher.example"):
        assert_error(stage.signs_up(f"{local}@{same}"), 409, "email_taken")
    # Two domains, of two owners (IDNA 2008): who has the one must not be taken for who has the other.
    assert stage.signs_up(f"{local}@strasse.example").status_code == 201
    assert stage.signs_up(f"{local}@straße.example").status_code == 201
    assert_error(stage.signs_up(f"{local}@STRASSE.example"), 409, "email_taken")


@pytest.mark.parametrize("code_point", DIFFERENT, ids=hex)
def test_no_other_spelling_passes_the_throttle(stage: Stage, code_point: int) -> None:
    """As far as Python knows the character; where it does not, there is no such address."""
    upper, tail, here = chr(code_point), f"{uuid4().hex[:8]}@example.com", f"198.51.100.{2 + DIFFERENT.index(code_point)}"
    spellings = [upper + tail, upper.lower() + tail, upper.casefold() + tail, ("i" if code_point == 0x130 else upper) + tail]
    made = [email for email in dict.fromkeys(spellings) if stage.signs_up(email).status_code == 201]
    assert made or unicodedata.category(upper) == "Cn"
    for email in made:
        for _ in range(10):
            stage.signs_in(email, "wrong password", at=here)
    for email in set(spellings):
        answer = stage.signs_in(email, at=here)
        assert_error(answer, *((429, "too_many_attempts") if made else (401, "wrong_credentials")))


def test_many_spellings_of_one_address_have_one_count(stage: Stage) -> None:
    domain, here = f"{uuid4().hex[:8]}.example", "198.51.100.200"
    assert stage.signs_up(f"iris@{domain}").status_code == 201
    for local in ("iris", "Iris", "iRis", "IRIS", "ｉris", "iriſ", "i\ufe0fris", "iris\u3164", "ＩRIS", "irIſ"):
        assert_error(stage.signs_in(f"{local}@{domain}", "wrong password", at=here), 401, "wrong_credentials")
    for local in ("iris", "irıs", "İris", "I\u034fris", "ＩＲＩＳ", "ir\u200dis"):
        assert stage.signs_in(f"{local}@{domain}", at=here).status_code == (401 if local in ("irıs", "İris") else 429)


def test_a_changed_address_is_found_by_all_its_spellings(stage: Stage) -> None:
    tail = f"{uuid4().hex[:8]}@example.com"
    assert stage.signs_up(f"éva{tail}").status_code == 201
    assert stage.signs_up(f"old{tail}").status_code == 201
    signed_in = {"Authorization": f"Bearer {stage.signs_in(f'old{tail}').json()['access_token']}"}
    taken = stage.client.patch(f"{AUTH}/me", headers=signed_in, json={"email": f"ÉVA{tail}", "password": PASSWORD})
    assert_error(taken, 409, "email_taken")
    moved = stage.client.patch(f"{AUTH}/me", headers=signed_in, json={"email": f"ＩRIS{tail}", "password": PASSWORD})
    assert moved.status_code == 200
    assert stage.signs_in(f"iris{tail}").status_code == 200
    assert_error(stage.signs_in(f"old{tail}"), 401, "wrong_credentials")
    assert_error(stage.signs_up(f"Iris{tail}"), 409, "email_taken")
    assert stage.signs_up(f"OLD{tail}").status_code == 201


def test_the_migration_folds_as_the_program_does() -> None:
    """It has a copy, which stays as it is; when the program's changes, a new migration goes over the stored keys."""
    key_of = importlib.import_module("taskwell.database.migrations.versions.0004_address_key").key_of
    for number in range(0xA1, sys.maxunicode + 1, 7):
        character = chr(number)
        if unicodedata.category(character)[0] not in "CZM":
            email = f"x{unicodedata.normalize('NFC', character)}x@example.com"
            assert key_of(email) == address_key(email), ascii(email)
    for local, other in (*SAME.values(), *APART.values()):
        for text in (local, other):
            email = unicodedata.normalize("NFC", text) + "@straße.example"
            assert key_of(email) == address_key(email)


def test_a_migration_keeps_every_account_or_does_nothing(own_database: str, tmp_path: Path) -> None:
    target = url.parse(own_database)
    asyncio.run(migrate(target, down_to="0003"))
    insert = "INSERT INTO users (id, email, password_hash) VALUES (gen_random_uuid(), $1, 'none') RETURNING id"
    (iris,) = postgres.query(own_database, insert, "Iris@bücher.example")
    postgres.query(own_database, "INSERT INTO users (id) VALUES (gen_random_uuid())")
    (first,) = postgres.query(own_database, insert, "strauß@example.com")
    (second,) = postgres.query(own_database, insert, "STRAUSS@example.com")
    with pytest.raises(Exception, match="these users have one e-mail address in two spellings: ") as refused:
        asyncio.run(migrate(target))
    said = str(refused.value)
    assert "\n" not in said
    assert str(first["id"]) in said
    assert str(second["id"]) in said
    assert str(iris["id"]) not in said
    assert "@" not in said
    (version,) = postgres.query(own_database, "SELECT version_num FROM alembic_version")
    assert version[0] == "0003"
    postgres.query(own_database, "UPDATE users SET email = 'other@example.com' WHERE id = $1", second["id"])
    asyncio.run(migrate(target))
    keys = {row["email"]: row["email_key"] for row in postgres.query(own_database, "SELECT email, email_key FROM users")}
    assert keys == {
        "Iris@bücher.example": "iris@bücher.example",
        "strauß@example.com": "strauss@example.com",
        "other@example.com": "other@example.com",
        None: None,
    }
