"""What each shape of a URL means: D1, D2 and D7 of the musts, and every way in which a password could reach a message."""

import inspect
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from taskwell.database.url import ConnectionTarget, PreparedStatements, for_migrations, parse, statement_cache
from taskwell.errors import CannotStart
from taskwell.identity import jwks

NEON = "ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech"
NEON_POOLED = "ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech"
SUPABASE = "aws-0-eu-central-1.pooler.supabase.com"
PASSWORD = "hunter2"

# URL, then host, port, user, password, database, and the sslmode in effect
SHAPES: list[tuple[str, tuple[str, int, str | None, str | None, str | None, str]]] = [
    # Neon's console, pooled and direct, and with the endpoint option of old clients
    (
        f"postgresql://alex:AbC123@{NEON_POOLED}/neondb?sslmode=require&channel_binding=require",
        (NEON_POOLED, 5432, "alex", "AbC123", "neondb", "verify-full"),
    ),
    (f"postgres://alex:AbC123@{NEON}/neondb?sslmode=require", (NEON, 5432, "alex", "AbC123", "neondb", "verify-full")),
    (
        f"postgresql://alex:x@{NEON}/neondb?options=endpoint%3Dep-cool-darkness-a1b2c3d4&sslmode=verify-full",
        (NEON, 5432, "alex", "x", "neondb", "verify-full"),
    ),
    (
        f"postgresql://a:x@{NEON_POOLED}/db?sslmode=require&pgbouncer=true&connect_timeout=15&sslnegotiation=direct",
        (NEON_POOLED, 5432, "a", "x", "db", "verify-full"),
    ),
    # Supabase
    (
        f"postgresql://postgres.abcd:pw@{SUPABASE}:6543/postgres",
        (SUPABASE, 6543, "postgres.abcd", "pw", "postgres", "verify-full"),
    ),
    (
        "postgresql://postgres:pw@db.abcd.supabase.co:5432/postgres",
        ("db.abcd.supabase.co", 5432, "postgres", "pw", "postgres", "verify-full"),
    ),
    # pasted from another tool
    ("postgresql+asyncpg://u:p@db.example.com/d", ("db.example.com", 5432, "u", "p", "d", "verify-full")),
    ("postgresql+psycopg://u:p@db.example.com/d", ("db.example.com", 5432, "u", "p", "d", "verify-full")),
    ("postgresql+psycopg2://u:p@db.example.com/d", ("db.example.com", 5432, "u", "p", "d", "verify-full")),
    ("POSTGRESQL://u:p@DB.Example.com/d", ("db.example.com", 5432, "u", "p", "d", "verify-full")),
    ("postgresql+asyncpg://u:p@db.example.com/d?ssl=require", ("db.example.com", 5432, "u", "p", "d", "verify-full")),
    ("postgresql+asyncpg://u:p@db.example.com/d?ssl=false", ("db.example.com", 5432, "u", "p", "d", "disable")),
    (" postgresql://u:p@db.example.com/d\n", ("db.example.com", 5432, "u", "p", "d", "verify-full")),
    # TLS elsewhere
    ("postgresql://u:p@db.example.com/d?sslmode=prefer", ("db.example.com", 5432, "u", "p", "d", "verify-full")),
    ("postgresql://u:p@db.example.com/d?sslmode=allow", ("db.example.com", 5432, "u", "p", "d", "verify-full")),
    ("postgresql://u:p@db.example.com/d?sslmode=verify-ca", ("db.example.com", 5432, "u", "p", "d", "verify-full")),
    ("postgresql://u:p@10.0.0.7/d?sslrootcert=system", ("10.0.0.7", 5432, "u", "p", "d", "verify-full")),
    ("postgresql://u:p@db/d?sslmode=disable", ("db", 5432, "u", "p", "d", "disable")),
    # TLS on this machine
    ("postgresql://u:p@localhost/d", ("localhost", 5432, "u", "p", "d", "disable")),
    ("postgresql://u:p@127.0.0.2:5433/d?sslmode=prefer", ("127.0.0.2", 5433, "u", "p", "d", "prefer")),
    ("postgresql://u:p@localhost/d?sslmode=allow", ("localhost", 5432, "u", "p", "d", "allow")),
    ("postgresql://u:p@localhost/d?sslmode=require", ("localhost", 5432, "u", "p", "d", "require")),
    ("postgresql://u:p@localhost/d?sslmode=verify-full", ("localhost", 5432, "u", "p", "d", "verify-full")),
    # IPv6
    ("postgresql://u:p@[::1]/d", ("::1", 5432, "u", "p", "d", "disable")),
    ("postgresql://u:p@[2001:DB8::7]:6000/d", ("2001:db8::7", 6000, "u", "p", "d", "verify-full")),
    # unix sockets
    ("postgresql://taskwell@/taskwell?host=/tmp/x%20y", ("/tmp/x y", 5432, "taskwell", None, "taskwell", "disable")),
    ("postgresql://taskwell@/?host=%2Ftmp%2Fa+b&port=5499", ("/tmp/a+b", 5499, "taskwell", None, "taskwell", "disable")),
    ("postgresql://taskwell@:5499/t?host=/tmp&sslmode=require", ("/tmp", 5499, "taskwell", None, "t", "disable")),
    ("postgresql://%2Frun%2Fpostgresql/t?user=alice&password=p%26q", ("/run/postgresql", 5432, "alice", "p&q", "t", "disable")),
    ("postgresql:///?host=/tmp&user=alice&dbname=t", ("/tmp", 5432, "alice", None, "t", "disable")),
    # credentials
    ("postgresql://u%40corp:p%40%2F%3F%23%25%3A@h.example/d", ("h.example", 5432, "u@corp", "p@/?#%:", "d", "verify-full")),
    ("postgresql://u:a+b:c@localhost/d%20b", ("localhost", 5432, "u", "a+b:c", "d b", "disable")),
    ("postgresql://u:p@ss@localhost/d", ("localhost", 5432, "u", "p@ss", "d", "disable")),
    ("postgresql://u:@localhost/d", ("localhost", 5432, "u", None, "d", "disable")),
    ("postgresql://u:p%C3%A4ss@localhost", ("localhost", 5432, "u", "päss", "u", "disable")),
    ("postgresql://localhost/d?", ("localhost", 5432, None, None, "d", "disable")),
    ("postgresql://localhost", ("localhost", 5432, None, None, None, "disable")),
    ("postgresql://u:p@localhost:1/d?application_name=x", ("localhost", 1, "u", "p", "d", "disable")),
]

# URL, and what the message must say
REFUSED: list[tuple[str, str]] = [
    ("", "must look like postgresql://"),
    ("mysql://u:hunter2@h/d", "must look like postgresql://"),
    ("jdbc:postgresql://h/d?password=hunter2", "must look like postgresql://"),
    ("psql 'postgresql://u:hunter2@h/d'", "white space"),
    ('"postgresql://u:hunter2@h/d"', "must look like postgresql://"),
    ("u:hunter2@h/d", "must look like postgresql://"),
    ("postgresql://u:hunter2@h/d?sslmode=require\nX", "white space"),
    ("postgresql://u:hunter2@a.example,b.example/d", "several hosts"),
    ("postgresql://u:hunter2@a:1,b:2/d", "several hosts"),
    ("postgresql://u:hunter2@/d?host=a.example,b.example", "several hosts"),
    ("postgresql://u:hunter2@/d?host=/tmp,/run", "several hosts"),
    ("postgresql://u:hunter2@/d", "names no host"),
    ("postgresql:///d", "names no host"),
    ("postgresql://u:hunter2@h:0/d", "port"),
    ("postgresql://u:hunter2@h:65536/d", "port"),
    ("postgresql://u:hunter2@h:٣/d", "port"),
    ("postgresql://u:hunter2@h/d?port=1,2", "port"),
    ("postgresql://u:hunter2", "port"),
    ("postgresql://u:hunter2@::1/d", "IPv6"),
    ("postgresql://u:hunter2@[::1/d", "IPv6"),
    ("postgresql://u:hunter2@[hunter2]/d", "IPv6"),
    ("postgresql://u:hunter2@[::1]x/d", "IPv6"),
    ("postgresql://u:x@[::hunter2]/d", "IPv6"),
    ("postgresql://u:hunter2@fred%20flint/d", "not a host name"),
    ("postgresql://u:hunter2@a..b/d", "not a host name"),
    (f"postgresql://u:hunter2@{'a' * 64}.example/d", "not a host name"),
    ("postgresql://u:hunter2@bücher.example/d", "punycode"),
    ("postgresql://u:x/hunter2@h/d", "percent-encode"),
    ("postgresql://u:x?hunter2@h/d", "percent-encode"),
    ("postgresql://u:x@y?hunter2=1@h/d", "percent-encode"),
    ("postgresql://u:x#hunter2@h/d", "%23"),
    ("postgresql://u:hunter2%FF@h/d", "not UTF-8"),
    ("postgresql://u:hunter2%00@h/d", "NUL"),
    ("postgresql://u:hunter2@h/d?sslmode=yes", "an sslmode other than"),
    ("postgresql://u:hunter2@h/d?ssl=maybe", "an sslmode other than"),
    ("postgresql://u:hunter2@h/d?sslmode=true", "an sslmode other than"),
    ("postgresql://u:hunter2@h/d?ssl=true&sslmode=disable", "both 'ssl' and 'sslmode'"),
    ("postgresql://u:hunter2@h/d?sslmode=require&sslmode=disable", "'sslmode' twice"),
    ("postgresql://u:hunter2@h/d?sslmode", "'sslmode' without a value"),
    ("postgresql://u:hunter2@h/d?pgbouncer=1", "'pgbouncer' other than true or false"),
    ("postgresql://u:hunter2@h/d?statement_timeout=5", "'statement_timeout' that Taskwell does not know"),
    ("postgresql://u:x@h/d?hunter2;=5", "a parameter that Taskwell does not know"),
    ("postgresql://u:hunter2@h/d?options=-csearch_path%3Dx", "ALTER ROLE"),
    ("postgresql://u:hunter2@h/d?host=other.example", "the host twice"),
    ("postgresql://u:hunter2@h/d?password=hunter2", "the password twice"),
    ("postgresql://u:hunter2@h/d?sslrootcert=/nowhere/root.crt", "sslrootcert"),
    ("postgresql://u:hunter2@h/d?sslmode=verify-ca&sslrootcert=", "an empty sslrootcert"),
    ("postgresql://u:hunter2@h/d?sslrootcert=", "an empty sslrootcert"),
    ("postgresql://u:hunter2@localhost/d?sslmode=verify-ca&sslrootcert=", "an empty sslrootcert"),
]


def seen(target: ConnectionTarget) -> tuple[str, int, str | None, str | None, str | None, str]:
    return target.host, target.port, target.user, target.password, target.database, target.sslmode


@pytest.mark.parametrize(("url", "meaning"), SHAPES)
def test_each_url_shape_has_its_one_meaning(url: str, meaning: tuple[Any, ...]) -> None:
    assert seen(parse(url)) == meaning


@pytest.mark.parametrize("url", [url for url, _ in SHAPES])
def test_asyncpg_takes_the_arguments_of_every_shape(url: str) -> None:
    arguments = parse(url).arguments()
    inspect.signature(asyncpg.connect).bind(**arguments)
    assert None not in arguments.values()


@pytest.mark.parametrize("url", [url for url, _ in SHAPES])
def test_a_target_is_shown_without_its_password_and_the_shown_url_leads_to_the_same_place(url: str) -> None:
    target = replace(parse(url), password=PASSWORD)
    assert PASSWORD not in repr(target) + str(target)
    again = parse(str(target))
    assert (again.host, again.port, again.sslmode) == (target.host, target.port, target.sslmode)
    assert (again.user, again.database) == (target.user, target.database)


@pytest.mark.parametrize(("url", "says"), REFUSED)
def test_a_url_that_cannot_be_right_is_refused_in_one_line_without_the_password(url: str, says: str) -> None:
    with pytest.raises(CannotStart) as refused:
        parse(url, "SOME_URL")
    message = refused.value.message
    assert message.startswith("SOME_URL ")
    assert says in message
    assert PASSWORD not in message
    assert "\n" not in message
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("mode", ["", "?sslmode=require", "?sslmode=prefer", "?sslmode=verify-ca", "?sslrootcert=system"])
@pytest.mark.parametrize("host", [NEON, NEON_POOLED, SUPABASE, "db", "10.0.0.7", "[2001:db8::7]", "localhost.example.com"])
def test_any_host_but_this_machine_must_prove_its_name(host: str, mode: str) -> None:
    context = parse(f"postgresql://u:p@{host}/d{mode}").ssl
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.fixture(scope="module")
def own_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of somebody's own authority, as Supabase has one."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "own root")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    path = tmp_path_factory.mktemp("own") / "root.crt"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return path


def test_an_own_certificate_authority_replaces_the_systems(own_root: Path) -> None:
    context = parse(f"postgresql://u:p@db.example.com/d?sslrootcert={own_root}").ssl
    assert isinstance(context, ssl.SSLContext)
    assert [root["serialNumber"] for root in context.get_ca_certs()] == ["07"]
    assert context.check_hostname


def test_a_file_for_the_secrets_of_tls_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/nonexistent/x")
    with pytest.raises(CannotStart, match=r"^DATABASE_URL needs TLS, and SSLKEYLOGFILE names a file that cannot be written"):
        parse("postgresql://u:hunter2@db.example.com/d")
    jwks._trusted_authorities.cache_clear()
    with pytest.raises(CannotStart, match=r"^SSLKEYLOGFILE names a file that cannot be written"):
        jwks._trusted_authorities()


@pytest.mark.parametrize("mode", ["", "&sslmode=require", "&sslmode=verify-full", "&sslmode=prefer"])
def test_only_verify_ca_with_a_file_does_without_the_name(own_root: Path, mode: str) -> None:
    assert parse(f"postgresql://u:p@db.example.com/d?sslrootcert={own_root}{mode}").sslmode == "verify-full"
    target = parse(f"postgresql://u:p@db.example.com/d?sslrootcert={own_root}&sslmode=verify-ca")
    assert target.sslmode == "verify-ca"
    assert f"sslmode=verify-ca&sslrootcert={own_root}" in target.for_libpq()
    assert parse("postgresql://u:p@db.example.com/d?sslrootcert=system&sslmode=verify-ca").sslmode == "verify-full"


@pytest.mark.parametrize(
    ("mode", "in_effect"), [("require", "verify-ca"), ("verify-ca", "verify-ca"), ("verify-full", "verify-full")]
)
def test_on_this_machine_an_own_certificate_authority_is_verified(own_root: Path, mode: str, in_effect: str) -> None:
    assert parse(f"postgresql://u:p@localhost/d?sslmode={mode}&sslrootcert={own_root}").sslmode == in_effect


def test_an_sslrootcert_that_holds_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root.crt").write_text("nothing of the kind")
    with pytest.raises(CannotStart, match="sslrootcert"):
        parse(f"postgresql://u:p@db.example.com/d?sslrootcert={tmp_path}/root.crt")


@pytest.mark.parametrize(
    ("place", "pooler", "sessions", "neon", "local"),
    [
        (f"{NEON}/d", False, True, True, False),
        (f"{NEON_POOLED}/d", True, False, True, False),
        (f"{NEON_POOLED}/d?pgbouncer=false", True, False, True, False),
        (f"{SUPABASE}:6543/d", True, False, False, False),
        (f"{SUPABASE}:5432/d", True, True, False, False),
        (f"{SUPABASE}:5432/d?pgbouncer=true", True, False, False, False),
        ("db.abcd.supabase.co:5432/d", False, True, False, False),
        ("db.abcd.supabase.co:6543/d", True, False, False, False),
        ("db.example.com:6432/d", True, False, False, False),
        ("db.example.com:6432/d?pgbouncer=false", False, True, False, False),
        ("db.example.com/d?pgbouncer=true", True, False, False, False),
        ("my-pooler.example.com/d", True, False, False, False),
        ("db.my-pooler.example.com/d", False, True, False, False),
        ("notneon.tech/d", False, True, False, False),
        ("localhost/d", False, True, False, True),
        ("/d?host=/tmp", False, True, False, True),
    ],
)
def test_poolers_neon_and_this_machine_are_told_by_their_names(
    place: str, pooler: bool, sessions: bool, neon: bool, local: bool
) -> None:
    target = parse(f"postgresql://u:p@{place}")
    assert (target.is_pooler, target.keeps_sessions, target.is_neon, target.is_local) == (pooler, sessions, neon, local)


@pytest.mark.parametrize(
    ("mode", "host", "cached"),
    [
        ("auto", "db.example.com", True),
        ("auto", "localhost", True),
        ("auto", NEON, True),
        ("auto", NEON_POOLED, True),
        ("auto", SUPABASE, False),
        ("auto", "db.example.com:6432", False),
        ("auto", "my-pooler.example.com", False),
        ("on", SUPABASE, True),
        ("on", "db.example.com", True),
        ("off", "db.example.com", False),
        ("off", NEON_POOLED, False),
    ],
)
def test_statements_stay_prepared_only_where_they_cannot_be_mixed_up(mode: PreparedStatements, host: str, cached: bool) -> None:
    size = statement_cache(mode, parse(f"postgresql://u:p@{host}/d"))
    assert (size > 0) == cached
    assert size <= 1000  # what Neon's pooler tracks


def test_migrations_use_the_direct_url_when_there_is_one() -> None:
    pooled = f"postgresql://u:p@{NEON_POOLED}/d"
    assert for_migrations(pooled, f"postgresql://u:p@{NEON}/d").host == NEON
    assert for_migrations("postgresql://u:p@localhost/d").host == "localhost"
    assert for_migrations(f"postgresql://u:p@{SUPABASE}:5432/d").host == SUPABASE


@pytest.mark.parametrize("pooled", [NEON_POOLED, f"{SUPABASE}:6543", "localhost:6432"])
def test_migrations_through_a_pooler_are_refused_with_the_setting_that_helps(pooled: str) -> None:
    url = f"postgresql://u:hunter2@{pooled}/d"
    with pytest.raises(CannotStart, match=r"set DATABASE_DIRECT_URL to the .* as well$") as without:
        for_migrations(url)
    with pytest.raises(CannotStart, match=r"^DATABASE_DIRECT_URL leads to a pooler") as twice:
        for_migrations(url, url)
    assert PASSWORD not in without.value.message + twice.value.message


def test_a_direct_url_that_cannot_be_read_is_refused_by_its_own_name() -> None:
    with pytest.raises(CannotStart, match=r"^DATABASE_DIRECT_URL names no host"):
        for_migrations("postgresql://localhost/d", "postgresql:///d")


@pytest.mark.parametrize(
    ("name", "left_out"),
    [("PGUSER", "localhost/d"), ("PGPASSWORD", "u@localhost/d"), ("PGDATABASE", ":hunter2@localhost")],
)
def test_what_stands_in_for_the_url_must_be_utf8(monkeypatch: pytest.MonkeyPatch, name: str, left_out: str) -> None:
    monkeypatch.setenv("PGUSER", "u")
    monkeypatch.setenv(name, "hunter2\udce9")
    with pytest.raises(CannotStart, match=rf"^{name} \(environment\) is not UTF-8$"):
        parse(f"postgresql://{left_out}").arguments()
    assert parse("postgresql://u:p@localhost/d").arguments()
