"""Who tries too often waits; who knows the password gets in meanwhile, from anywhere that the attack does not come from."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from taskwell.accounts import passwords
from taskwell.web import client_address
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import CHEAP, PASSWORD, person
from tests.support.errors import assert_error
from tests.support.server import RunningServer, serve
from tests.support.signed_in import AUTH, TASKS, TOKEN, Account, browser, new_email, sign_up

PROXIES = "127.0.0.1/32, 10.0.0.0/8, 2001:db8:ffff::/48"
REAL = passwords._argon2id

pytestmark = pytest.mark.usefixtures("cheap_passwords")

_addresses = (f"198.{18 + n // 65536}.{n // 256 % 256}.{n % 256}" for n in itertools.count())


def new_address() -> str:
    return next(_addresses)


class Stage(NamedTuple):
    server: RunningServer
    client: httpx.Client
    database_url: str

    def tries(self, email: str, password: str = "wrong password", *, at: str, **headers: str) -> httpx.Response:
        form = {"username": email, "password": password}
        return self.client.post(TOKEN, data=form, headers={"X-Forwarded-For": at} | headers)

    def fails(self, times: int, email: str, *, at: str) -> None:
        for _ in range(times):
            assert_error(self.tries(email, at=at), 401, "wrong_credentials")

    def is_let_in(self, email: str, *, at: str) -> None:
        answer = self.tries(email, PASSWORD, at=at)
        assert answer.status_code == 200, answer.text

    def is_kept_out(self, email: str, *, at: str, **headers: str) -> httpx.Response:
        """With the right password."""
        answer = self.tries(email, PASSWORD, at=at, **headers)
        assert_error(answer, 429, "too_many_attempts")
        return answer


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[str]:
    with postgres.new_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def stage(database: str, cheap_passwords: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An application behind proxies that it trusts."""
    settings = settings_for(database, tmp_path_factory.mktemp("data"), trusted_proxies=PROXIES)
    with serve(settings) as server, browser(server) as client:
        yield Stage(server, client, database)


@pytest.fixture
def dora(stage: Stage) -> Account:
    """Somebody new, so that no test's attempts count for another's; each takes new addresses, too."""
    new = {"email": new_email(), "password": PASSWORD}
    answer = stage.client.post(f"{AUTH}/register", json=new, headers={"X-Forwarded-For": new_address()})
    assert answer.status_code == 201, answer.text
    return Account(answer.json()["id"], new["email"])


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A word for each time that a password is compared or hashed."""
    done: list[str] = []

    class Counting:
        def verify_and_update(self, *arguments: str) -> tuple[bool, str | None]:
            done.append("verify")
            return CHEAP.verify_and_update(*arguments)

        def hash(self, password: str) -> str:
            done.append("hash")
            return CHEAP.hash(password)

    monkeypatch.setattr(passwords, "_argon2id", Counting())
    return done


# ---- one address, one account ------------------------------------------------------------------------------------------


def test_after_ten_failures_even_the_right_password_waits(stage: Stage, dora: Account, work: list[str]) -> None:
    here = new_address()
    stage.fails(10, dora.email, at=here)
    assert work == ["verify"] * 10
    answer = stage.is_kept_out(dora.email, at=here)
    assert 890 <= int(answer.headers["retry-after"]) <= 900
    assert work == ["verify"] * 10  # an attack costs no more than a look
    stage.is_let_in(dora.email, at=new_address())


def test_it_is_one_account_however_its_address_is_written(stage: Stage, dora: Account) -> None:
    here = new_address()
    for turn in range(10):
        written = dora.email.upper() if turn % 2 else dora.email.replace("dora", "Dora")
        assert_error(stage.tries(written, at=here), 401, "wrong_credentials")
    stage.is_kept_out(dora.email, at=here)


def test_nobody_else_at_that_address_waits(stage: Stage, dora: Account) -> None:
    here = new_address()
    stage.fails(10, new_email(), at=here)
    stage.is_let_in(dora.email, at=here)


def test_an_unknown_account_is_throttled_alike(stage: Stage) -> None:
    """Or 429 would tell which there are."""
    unknown, here = new_email("nobody"), new_address()
    stage.fails(10, unknown, at=here)
    assert_error(stage.tries(unknown, at=here), 429, "too_many_attempts")


def test_a_success_gives_the_count_back(stage: Stage, dora: Account) -> None:
    here = new_address()
    for _ in range(3):
        stage.fails(9, dora.email, at=here)
        stage.is_let_in(dora.email, at=here)
    stage.fails(10, dora.email, at=here)
    stage.is_kept_out(dora.email, at=here)


def test_successes_do_not_count(stage: Stage, dora: Account) -> None:
    here = new_address()
    for _ in range(120):
        stage.is_let_in(dora.email, at=here)


def test_after_the_window_it_is_free_again(stage: Stage, dora: Account) -> None:
    here = new_address()
    stage.fails(10, dora.email, at=here)
    for minutes, left in ((5, 600), (9, 60)):
        postgres.query(stage.database_url, "UPDATE failed_sign_ins SET since = since - $1 * interval '1 minute'", minutes)
        answer = stage.is_kept_out(dora.email, at=here)
        assert left - 10 <= int(answer.headers["retry-after"]) <= left
    postgres.query(stage.database_url, "UPDATE failed_sign_ins SET since = since - interval '1 minute'")
    stage.fails(10, dora.email, at=here)  # and it counts anew
    stage.is_kept_out(dora.email, at=here)


def test_what_is_old_is_swept_away(stage: Stage, dora: Account) -> None:
    sql = "INSERT INTO failed_sign_ins SELECT 'old ' || n, 1, now() - interval '1 hour' FROM generate_series(1, 25) n"
    postgres.query(stage.database_url, sql)
    stage.fails(3, dora.email, at=new_address())
    assert postgres.query(stage.database_url, "SELECT 1 FROM failed_sign_ins WHERE key LIKE 'old %'") == []


def test_the_table_tells_nobody_who_signs_in_from_where(stage: Stage, dora: Account) -> None:
    here = new_address()
    stage.fails(1, dora.email, at=here)
    keys = " ".join(row["key"] for row in postgres.query(stage.database_url, "SELECT key FROM failed_sign_ins"))
    assert here not in keys
    assert "@" not in keys


# ---- one account, many addresses ---------------------------------------------------------------------------------------


def test_an_attack_from_sixty_addresses_makes_each_strict_and_locks_nobody_out(stage: Stage, dora: Account) -> None:
    attackers = [new_address() for _ in range(60)]
    for address in attackers:
        stage.fails(1, dora.email, at=address)
    for address in attackers[:5]:
        stage.fails(1, dora.email, at=address)
        stage.is_kept_out(dora.email, at=address)  # two tries, where there were ten
    here = new_address()
    stage.is_let_in(dora.email, at=here)
    stage.fails(2, dora.email, at=here)
    stage.is_kept_out(dora.email, at=here)
    stage.is_let_in(dora.email, at=new_address())


# ---- one address, many accounts ----------------------------------------------------------------------------------------


def test_a_hundred_failures_of_one_address_are_enough(stage: Stage, dora: Account, work: list[str]) -> None:
    here = new_address()
    for _ in range(100):
        stage.fails(1, new_email("victim"), at=here)
    work.clear()
    stage.is_kept_out(dora.email, at=here)
    assert work == []
    stage.is_let_in(dora.email, at=new_address())


def test_asking_for_taken_addresses_is_counted_like_signing_in(stage: Stage, dora: Account) -> None:
    here = {"X-Forwarded-For": new_address()}
    new = {"email": dora.email, "password": PASSWORD}
    for _ in range(10):
        assert_error(stage.client.post(f"{AUTH}/register", json=new, headers=here), 409, "email_taken")
    assert_error(stage.client.post(f"{AUTH}/register", json=new, headers=here), 429, "too_many_attempts")
    another = new | {"email": new_email()}
    assert stage.client.post(f"{AUTH}/register", json=another, headers=here).status_code == 201


# ---- two servers -------------------------------------------------------------------------------------------------------


def test_what_one_server_counts_another_knows(stage: Stage, dora: Account, tmp_path: Path) -> None:
    here = new_address()
    with serve(settings_for(stage.database_url, tmp_path, trusted_proxies=PROXIES)) as server, browser(server) as client:
        other = Stage(server, client, stage.database_url)
        for _ in range(5):
            stage.fails(1, dora.email, at=here)
            other.fails(1, dora.email, at=here)
        stage.is_kept_out(dora.email, at=here)
        other.is_kept_out(dora.email, at=here)
        other.is_let_in(dora.email, at=new_address())


# ---- which address -----------------------------------------------------------------------------------------------------

SPOOFS: dict[str, Callable[[str, str], str]] = {
    "something before the client": lambda spoof, client: f"{spoof}, {client}",
    "many before the client": lambda spoof, client: f"{spoof}, {spoof}, 127.0.0.1, {spoof}, {client}",
    "garbage before the client": lambda spoof, client: f"{spoof} <x>, unknown, , {client}",
    "a proxy of ours after the client": lambda spoof, client: f"{spoof}, {client}, 10.1.2.3",
    "two of ours after the client": lambda spoof, client: f"{spoof}, {client}, 10.1.2.3, 2001:db8:ffff::7",
    "one of ours as a socket for both kinds of IP names it": lambda spoof, client: f"{spoof}, {client}, ::ffff:10.1.2.3",
    "our own address before the client": lambda spoof, client: f"10.{spoof[4:]}, {client},10.9.9.9",
}
"""The client wrote the first argument, which changes with each attempt; our proxies added the rest."""


@pytest.mark.parametrize("name", SPOOFS)
def test_what_the_client_wrote_itself_is_not_believed(stage: Stage, dora: Account, name: str) -> None:
    spoof, here = SPOOFS[name], new_address()
    for _ in range(10):
        stage.fails(1, dora.email, at=spoof(new_address(), here))
    stage.is_kept_out(dora.email, at=spoof(new_address(), here))
    stage.is_kept_out(dora.email, at=here)
    stage.is_let_in(dora.email, at=spoof(here, new_address()))


def test_header_lines_are_one_list(stage: Stage, dora: Account) -> None:
    here = new_address()
    form = {"username": dora.email, "password": "wrong password"}
    for _ in range(10):
        lines = [("X-Forwarded-For", new_address()), ("X-Forwarded-For", here), ("X-Forwarded-For", "10.0.0.1")]
        assert_error(stage.client.post(TOKEN, data=form, headers=lines), 401, "wrong_credentials")
    stage.is_kept_out(dora.email, at=here)


WRITTEN = {
    "with a port, as Azure writes it": ("203.0.113.7:51234", "203.0.113.7:51235"),
    "IPv6 with a port": ("[2001:db8:7::1]:443", "[2001:DB8:7::1]:50000"),
    "IPv6 in brackets": ("[2001:db8:8::1]", "2001:db8:8:0::1"),
    "in quotes": ('"203.0.113.8"', '"203.0.113.8:80"'),
    "in quotes and brackets": ('"[2001:db8:9::1]"', '"[2001:db8:9::1]:8080"'),
    "with a zone": ("fe80:1::1%eth0", "[fe80:1::1%25eth1]:443"),
    "with spaces": ("198.51.100.7 , \t203.0.113.9 ,10.0.0.1", "203.0.113.9:1\t,  10.0.0.1"),
    "IPv4 inside IPv6": ("[::ffff:203.0.113.10]:443", "203.0.113.10"),
    "before proxies that write ports": ("203.0.113.11:5, 10.0.0.1:80, [2001:db8:ffff::1]:80", "203.0.113.11:6,10.0.0.2"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_an_address_is_read_however_a_proxy_writes_it(stage: Stage, dora: Account, name: str) -> None:
    one, again = WRITTEN[name]
    stage.fails(10, dora.email, at=one)
    stage.is_kept_out(dora.email, at=again)
    stage.is_let_in(dora.email, at="203.0.113.200:51234")


UNREADABLE = [
    "unknown",
    "_hidden",
    "1.2.3",
    "1.2.3.4:",
    "1.2.3.4:x",
    "[2001:db8::1",
    "for=1.2.3.4",
    '"1.2.3.4',
    "x" * 4000,
    "\xff",
]


@pytest.mark.parametrize("nothing", ["", *UNREADABLE])
def test_where_the_proxy_says_no_address_it_is_the_proxys(stage: Stage, dora: Account, nothing: str) -> None:
    form = {"username": dora.email, "password": "wrong password"}
    for _ in range(10):
        headers = [(b"X-Forwarded-For", f"{new_address()},{nothing}".encode("latin-1"))]
        assert_error(stage.client.post(TOKEN, data=form, headers=headers), 401, "wrong_credentials")
    answer = stage.client.post(TOKEN, data=form, headers=[(b"X-Forwarded-For", nothing.encode("latin-1"))])
    assert_error(answer, 429, "too_many_attempts")
    assert_error(stage.client.post(TOKEN, data=form), 429, "too_many_attempts")
    postgres.query(stage.database_url, "DELETE FROM failed_sign_ins")


def test_what_cannot_be_read_is_logged_once_and_never_quoted(
    stage: Stage, dora: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    client_address._say_unreadable.cache_clear()
    here = new_address()
    for _ in range(3):
        stage.tries(dora.email, at=f"{here}, marker-7f3a, 10.0.0.1")
    said = "".join(capsys.readouterr())
    assert said.count("forwarded_for_unreadable") == 1
    assert "marker-7f3a" not in said
    assert here not in said
    stage.is_let_in(dora.email, at=here)


def test_one_household_of_ipv6_is_one_address(stage: Stage, dora: Account) -> None:
    for last in range(10):
        stage.fails(1, dora.email, at=f"2001:db8:1:1::{last + 1:x}")
    stage.is_kept_out(dora.email, at="2001:0DB8:1:1:ffff:ffff:ffff:ffff")
    stage.is_let_in(dora.email, at="2001:db8:1:2::1")


def test_one_address_has_one_spelling(stage: Stage, dora: Account) -> None:
    here = new_address()
    stage.fails(5, dora.email, at=here)
    stage.fails(5, dora.email, at=f"::ffff:{here}")
    stage.is_kept_out(dora.email, at=here)


def test_from_a_peer_that_is_no_proxy_of_ours_the_header_says_nothing(database: str, tmp_path: Path) -> None:
    with serve(settings_for(database, tmp_path, trusted_proxies="10.0.0.0/8")) as server, browser(server) as client:
        untrusting = Stage(server, client, database)
        account = sign_up(server)
        for _ in range(10):
            untrusting.fails(1, account.email, at=new_address())
        untrusting.is_kept_out(account.email, at=new_address())
        untrusting.is_kept_out(account.email, at="10.0.0.1", Forwarded=f"for={new_address()}", **{"X-Real-IP": new_address()})
        postgres.query(database, "DELETE FROM failed_sign_ins")


# ---- two hundred at once -----------------------------------------------------------------------------------------------


def test_two_hundred_at_once_hold_up_no_task(stage: Stage, dora: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """By real hashes: most are told to come back, and tasks are read as if nothing were."""
    monkeypatch.setattr(passwords, "_argon2id", REAL)
    password_hash = REAL.hash(PASSWORD)
    postgres.query(stage.database_url, "UPDATE users SET password_hash = $2 WHERE email = $1", dora.email, password_hash)

    async def attack() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(base_url=stage.server.base_url, limits=limits, timeout=60, trust_env=False) as client:

            async def one(number: int) -> httpx.Response:
                form: dict[str, Any] = {"username": dora.email, "password": "wrong password" if number % 4 else PASSWORD}
                address = "203.0.113.1" if number % 2 else new_address()
                return await client.post(TOKEN, data=form, headers={"X-Forwarded-For": address})

            return await asyncio.gather(*map(one, range(200)))

    with person(stage.server, stage.database_url, "bob") as bob, ThreadPoolExecutor(1) as threads:
        bob.creates()
        attacked = threads.submit(asyncio.run, attack())
        reads = []
        while not attacked.done():
            began = time.monotonic()
            assert bob.get(TASKS).status_code == 200
            reads.append(time.monotonic() - began)
        answers = attacked.result(60)
    counts = Counter(answer.status_code for answer in answers)
    assert counts.keys() <= {200, 401, 429, 503}
    assert counts[503] > 100
    assert counts[200] > 0
    for answer in answers:
        if answer.status_code != 200:
            code = {401: "wrong_credentials", 429: "too_many_attempts", 503: "sign_in_busy"}[answer.status_code]
            assert_error(answer, answer.status_code, code)
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
    assert len(reads) > 10
    assert max(reads) < 2.0  # the test's own two hundred clients are in the same process
