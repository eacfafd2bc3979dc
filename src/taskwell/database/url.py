"""Reads the URL of a Neon, Supabase or plain PostgreSQL, and gives asyncpg its arguments.

asyncpg reads URLs itself, but sends each parameter that it does not know to the server as a setting: `channel_binding` and
Neon's `options` then end the connection. Besides, its `sslmode=require` verifies no certificate. So a URL is read here,
strictly, and asyncpg gets plain arguments. No message of this module repeats a piece of the URL that could belong to the
password.
"""

import getpass
import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote

from taskwell.addresses import is_loopback
from taskwell.encoding import is_utf8
from taskwell.errors import CannotStart

PreparedStatements = Literal["auto", "on", "off"]
Tls = ssl.SSLContext | Literal[False, "allow", "prefer"]

_SHAPE = re.compile(r"(?P<scheme>[^:/?#]+)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?")
_SCHEMES = {"postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"}
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?")
_ADVISORY: dict[str | None, Literal["allow", "prefer"]] = {"allow": "allow", "prefer": "prefer"}
_SSL_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
_SSL_FLAGS = {"true": "require", "false": "disable"}  # what `ssl=` may say besides a mode, in URLs written for SQLAlchemy
_PLACES = {"host", "port", "user", "password", "dbname"}  # what libpq also takes from the query
_USED = _PLACES | {"sslmode", "ssl", "sslrootcert", "pgbouncer", "options"}
_DROPPED = {
    "channel_binding",  # asyncpg has no SCRAM-PLUS; the verified certificate of `_tls` does its work
    "connect_timeout",  # the pool has its own deadlines
    "sslnegotiation",  # only saves a round trip
    "application_name",  # the pool gives its own
}
_POOLER_PORTS = {6432, 6543}  # PgBouncer's own (and Azure's), Supabase's transaction mode (self-hosted too)
_STATEMENTS_KEPT = 256  # per connection; more than a worker has statements, and well below the 1,000 of Neon's pooler


@dataclass(frozen=True)
class ConnectionTarget:
    """Where the database is and how to sign in to it. `str()` shows it without the password."""

    host: str
    port: int
    user: str | None  # None: PGUSER, then the system's user
    password: str | None = field(repr=False)  # None: PGPASSWORD, then ~/.pgpass
    database: str | None
    ssl: Tls
    pgbouncer: bool | None = None  # what the URL itself said by `pgbouncer=`
    sslrootcert: str = "system"

    def arguments(self) -> dict[str, Any]:
        """The arguments of `asyncpg.connect`.

        asyncpg takes a user, a password and a database that the URL leaves out from the environment, as libpq does (PGUSER,
        PGPASSWORD, PGPASSFILE, PGDATABASE, PGKRBSRVNAME). Its other variables would contradict the URL, so each is given here.
        Raises CannotStart where nothing names a user, and where what stands in for the URL is not UTF-8.
        """
        for name, by_url in (("PGUSER", self.user), ("PGPASSWORD", self.password), ("PGDATABASE", self.database)):
            if by_url is None and not is_utf8(os.environ.get(name, "")):
                # asyncpg would say that the connection was closed in the middle of operation.
                raise CannotStart(f"{name} (environment) is not UTF-8")
        given = {
            "host": self.host,
            "port": self.port,
            "user": self.user or _own_name(),
            "password": self.password,
            "database": self.database,
            "ssl": self.ssl,
            "direct_tls": False,
            "target_session_attrs": "any",
            "gsslib": "gssapi",
            "passfile": None if _reads_own_passwords() else f"{os.devnull}/none",
        }
        return {name: value for name, value in given.items() if value is not None}

    @property
    def is_pooler(self) -> bool:
        """Whether a pooler answers there. A PgBouncer on a plain host and port cannot be recognised."""
        if self.host.partition(".")[0].endswith("-pooler") or _within(self.host, "pooler.supabase.com"):
            return True
        return self.port in _POOLER_PORTS if self.pgbouncer is None else self.pgbouncer

    @property
    def keeps_sessions(self) -> bool:
        """Whether advisory locks and other session state hold, as on direct hosts and in Supabase's session mode."""
        return not self.is_pooler or (_within(self.host, "pooler.supabase.com") and self.port == 5432 and not self.pgbouncer)

    @property
    def is_neon(self) -> bool:
        return _within(self.host, "neon.tech")

    @property
    def is_local(self) -> bool:
        return _is_local(self.host)

    @property
    def sslmode(self) -> str:
        """The mode in effect, in libpq's words; not necessarily the one in the URL."""
        if isinstance(self.ssl, str):
            return self.ssl
        if not self.ssl:
            return "disable"
        if self.ssl.check_hostname:
            return "verify-full"
        return "verify-ca" if self.ssl.verify_mode == ssl.CERT_REQUIRED else "require"

    def __str__(self) -> str:
        who = quote(self.user or "", safe="") + (":********" if self.password else "")
        who += "@" if who else ""
        database = quote(self.database or "", safe="")
        if self.host.startswith("/"):
            return f"postgresql://{who}/{database}?host={quote(self.host)}&port={self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{who}{host}:{self.port}/{database}?sslmode={self.sslmode}"

    @property
    def place(self) -> str:
        """Where it is, for a message."""
        return self.host if self.host.startswith("/") else f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def for_libpq(self) -> str:
        """For psql, pg_dump and pg_restore, without the password."""
        verified = f"&sslrootcert={quote(self.sslrootcert)}" if self.sslmode.startswith("verify") else ""
        return f"{replace(self, password=None)}{verified}"


class _Refused(Exception):
    """A sentence about the URL that lacks its subject, the setting."""


def parse(url: str, setting: str = "DATABASE_URL") -> ConnectionTarget:
    """`setting` begins the message of `CannotStart`."""
    try:
        return _target(url.strip())
    except _Refused as refused:
        raise CannotStart(f"{setting} {refused}") from None


def for_migrations(url: str, direct_url: str | None = None) -> ConnectionTarget:
    """The direct URL, or else DATABASE_URL if it is direct.

    Through a transaction pooler two processes can both "hold" the advisory lock that keeps migrations apart.
    """
    target = parse(url) if direct_url is None else parse(direct_url, "DATABASE_DIRECT_URL")
    if target.keeps_sessions:
        return target
    if direct_url is None:
        raise CannotStart(
            "migrations and backups need a direct connection, and DATABASE_URL leads to a pooler: "
            f"set DATABASE_DIRECT_URL{_without_pooler(target)} as well"
        )
    raise CannotStart(
        f"DATABASE_DIRECT_URL leads to a pooler, and this needs a direct connection: set it{_without_pooler(target)}"
    )


def statement_cache(mode: PreparedStatements, target: ConnectionTarget) -> int:
    """asyncpg's `statement_cache_size`.

    Through a pooler that does not track prepared statements, a cached statement can run as another client's. `auto` therefore
    keeps them only where that cannot happen: on direct hosts, and on Neon's pooler, which tracks 1,000 of them. A PgBouncer on a
    plain host and port looks like PostgreSQL itself: `off` (or `?pgbouncer=true` in the URL) is the setting for an old one there.
    It costs one round trip a statement.
    """
    if mode == "on":
        return _STATEMENTS_KEPT
    if mode == "off" or (target.is_pooler and not target.is_neon):
        return 0
    return _STATEMENTS_KEPT


def _target(url: str) -> ConnectionTarget:
    parts = _SHAPE.fullmatch(url)
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        raise _Refused("has white space in it: write %20 for a space")
    if "#" in url:
        raise _Refused("has a '#' in it: write %23 if it belongs to the password")
    if parts is None or parts["scheme"].lower() not in _SCHEMES:
        raise _Refused("is not a PostgreSQL URL: it must look like postgresql://user:password@host/database")
    path, query = parts["path"] or "", parts["query"] or ""
    if "@" in path + query:
        # Most often the authority ends inside the password, so no text after this point may be shown.
        raise _Refused("has an '@' too far right: percent-encode / ? # @ and % in the user name and the password")
    credentials, at, place = parts["authority"].rpartition("@")
    user, colon, password = credentials.partition(":")
    host, port = _host_and_port(place)
    found = {"user": _decoded(user), "host": host, "port": port, "dbname": _decoded(path[1:])}
    found["password"] = _decoded(password) if at and colon else ""
    parameters = _parameters(query)
    for name in _PLACES & parameters.keys():
        if found[name]:
            raise _Refused(f"gives the {name} twice")
        found[name] = parameters[name]
    host = _checked_host(found["host"])
    return ConnectionTarget(
        host=host,
        port=_port_number(found["port"]),
        user=found["user"] or None,
        password=found["password"] or None,
        database=found["dbname"] or found["user"] or None,
        ssl=_tls(host, parameters),
        sslrootcert=parameters.get("sslrootcert", "system"),
        pgbouncer=_flag(parameters),
    )


def _host_and_port(place: str) -> tuple[str, str]:
    if "," in place:
        raise _Refused("names several hosts: give the one that accepts writes")
    if place.startswith("["):
        literal = re.fullmatch(r"\[([^\[\]:]*:[^\[\]]*)\](?::([^:]*))?", place)
        if literal is None:
            raise _Refused("has an IPv6 address that cannot be read: write [address]:port")
        return _decoded(literal[1]), literal[2] or ""
    if place.count(":") > 1:
        raise _Refused("has an IPv6 address without its brackets: write [address]:port")
    host, _, port = place.partition(":")
    return _decoded(host), port


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        raw_name, equals, value = pair.partition("=")
        name = _decoded(raw_name)
        if name not in _USED | _DROPPED:
            shown = f"the parameter {name!r}" if re.fullmatch(r"[A-Za-z_]{1,40}", name) else "a parameter"
            raise _Refused(f"has {shown} that Taskwell does not know: leave it out")
        if not equals or name in parameters:
            raise _Refused(f"gives the parameter {name!r} {'twice' if equals else 'without a value'}")
        parameters[name] = _decoded(value)
    _check_options(parameters.get("options", ""))
    return parameters


def _check_options(options: str) -> None:
    # Neon's `endpoint=...` serves clients without SNI, which asyncpg has. Anything else would change how the database behaves (a
    # search_path...): dropping it in silence would be worse than refusing.
    if any(not word.startswith(("endpoint=", "project=")) for word in options.split()):
        raise _Refused("has 'options' other than Neon's endpoint: set them on the role, with ALTER ROLE ... SET")


def _checked_host(host: str) -> str:
    if not host:
        raise _Refused("names no host: write localhost, or ?host=/folder/of/the/socket")
    if "," in host:
        raise _Refused("names several hosts: give the one that accepts writes")
    if host.startswith("/"):
        return host
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise _Refused("has an IPv6 address that cannot be read") from None
    if not _HOST_NAME.fullmatch(host) or not all(0 < len(label) < 64 for label in host.removesuffix(".").split(".")):
        raise _Refused("has a host that is not a host name (write other than ASCII letters in punycode)")
    return host.lower()


def _port_number(port: str) -> int:
    if not port:
        return 5432
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise _Refused("has a port that is not a number from 1 to 65535 (or a password whose / ? # is not percent-encoded)")
    return int(port)


def _tls(host: str, parameters: Mapping[str, str]) -> Tls:
    if "ssl" in parameters and "sslmode" in parameters:
        raise _Refused("has both 'ssl' and 'sslmode': leave 'ssl' out")
    said = parameters.get("sslmode", parameters.get("ssl"))
    mode = _SSL_FLAGS.get(said, said) if said is not None and "ssl" in parameters else said
    if mode is not None and mode not in _SSL_MODES:
        raise _Refused(f"has an sslmode other than {', '.join(sorted(_SSL_MODES))}")
    local = _is_local(host)
    if host.startswith("/") or mode == "disable" or (local and mode is None):
        return False  # PostgreSQL knows no TLS on a unix socket, and libpq ignores sslmode there as well
    if local and mode in _ADVISORY:
        return _ADVISORY[mode]
    root = parameters.get("sslrootcert", "system")
    if not root:  # Python takes it for the system's authorities, with which the host's name must stay checked
        raise _Refused("has an empty sslrootcert: name a file of certificates, or leave it out")
    # Also for `require`, `prefer` and no mode at all: asyncpg's `require` is CERT_NONE, and as asyncpg has no channel binding,
    # nothing else would keep a man in the middle out of the sign-in.
    context = _context(root)
    if root != "system":
        # Since Python 3.13 a default of Python's, and not of libpq's: many an authority of one's own lacks what it asks for.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        # As libpq does, for an authority that signs nothing but this database: Cloud SQL's certificates name no host.
        context.check_hostname = mode != "verify-ca"
    if local and mode in {"require", "verify-ca"}:
        # A loopback address cannot be intercepted, and certificates are seldom issued for one.
        context.check_hostname = False
        if mode == "require" and root == "system":
            context.verify_mode = ssl.CERT_NONE
    return context


def _context(root: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if root == "system" else root)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        if isinstance(error, OSError) and error.filename is not None:  # Python gives the file's name for this variable alone
            why = f"needs TLS, and SSLKEYLOGFILE names a file that cannot be written ({error.strerror}): unset it"
            raise _Refused(why) from None
        raise _Refused("has an sslrootcert that is not a readable file of certificates") from None


def _flag(parameters: Mapping[str, str]) -> bool | None:
    said = parameters.get("pgbouncer")
    if said not in {None, "true", "false"}:
        raise _Refused("has a 'pgbouncer' other than true or false")
    return None if said is None else said == "true"


def _decoded(text: str) -> str:
    try:
        # Not unquote_plus: a '+' in a password or a path is a plus.
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _Refused("has percent-encoding that is not UTF-8") from None
    if "\0" in decoded:
        raise _Refused("has a NUL in it")
    return decoded


def _own_name() -> str:
    try:
        return os.environ.get("PGUSER") or getpass.getuser()
    except (KeyError, OSError):  # a container's uid that is in no /etc/passwd; OSError since Python 3.13
        raise CannotStart(
            f"DATABASE_URL names no user, and neither does the system, for the uid {os.getuid()}: write postgresql://USER@..."
        ) from None


def _reads_own_passwords() -> bool:
    """Whether asyncpg can look for a password. In a home folder that is closed to this user, as /root can be, it fails."""
    try:
        return "PGPASSFILE" in os.environ or os.access(Path("~/.pgpass").expanduser(), os.R_OK)
    except RuntimeError:  # there is no home folder
        return False


def _is_local(host: str) -> bool:
    return host.startswith("/") or is_loopback(host)


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


def _without_pooler(target: ConnectionTarget) -> str:
    if target.is_neon:
        return " to the same URL without '-pooler' in its host"
    return " to the database's own host and port"
