"""A database behind TLS: whose certificate is taken, and whose is not.

It is the system's PostgreSQL, since the embedded one has no TLS.
"""

import asyncio
import os
import shutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from taskwell.database import url
from tests.cli.command import free_port, refusal, taskwell
from tests.support.programs import system_program
from tests.support.system_postgres import DEBIAN, system_postgres

# Linux connects to this machine at it, and it is no loopback address: to Taskwell it is a host far away.
FAR = "0.0.0.0"


class Authority:
    """One of a company's own, which signs the certificates of its databases."""

    def __init__(self, folder: Path, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None)))

    def certify(self, folder: Path, host: x509.GeneralName) -> tuple[Path, Path]:
        """A certificate for this host, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, secret = folder / "server.pem", folder / "server.key"
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a database")])
        certificate.write_bytes(self._signed(name, key, x509.SubjectAlternativeName([host])))
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        secret.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
        secret.chmod(0o600)
        return certificate, secret

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> bytes:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        builder = builder.not_valid_after(now + timedelta(days=1)).add_extension(extension, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory(dir="/tmp", prefix="taskwell-tls-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture(scope="module")
def own(folder: Path) -> Authority:
    return Authority(folder, "own")


@pytest.fixture(scope="module")
def other(folder: Path) -> Authority:
    return Authority(folder, "other")


def _served(authority: Authority, folder: Path, host: x509.GeneralName) -> Iterator[str]:
    """A database's URL, without what it says of TLS; the server takes nothing but TLS from afar."""
    if not any(DEBIAN.glob("*/bin/initdb")):
        system_program("initdb", package="postgresql")
    folder.mkdir()
    files = authority.certify(folder, host)
    if os.geteuid() == 0:
        for path in (folder, *files):
            shutil.chown(path, "postgres")
    port = free_port()
    tls = [f"ssl_cert_file={files[0]}", f"ssl_key_file={files[1]}"]
    with system_postgres("listen_addresses=127.0.0.1", f"port={port}", "ssl=on", *tls):
        yield f"postgresql://taskwell@{FAR}:{port}/postgres"


@pytest.fixture(scope="module")
def named(own: Authority, folder: Path) -> Iterator[str]:
    """Its certificate is for the host that it is at."""
    yield from _served(own, folder / "named", x509.IPAddress(ip_address(FAR)))


@pytest.fixture(scope="module")
def nameless(own: Authority, folder: Path) -> Iterator[str]:
    """Its certificate is for another host, as Cloud SQL's are."""
    yield from _served(own, folder / "nameless", x509.DNSName("project:database"))


def refused(base: str, parameters: str) -> str | None:
    """None: there is a connection, and it is by TLS. Or else what was said, which is of the certificate."""
    target = url.parse(base + parameters)
    assert not target.is_local

    async def connect() -> str:
        connection = await asyncpg.connect(**target.arguments())
        try:
            return str(await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
        finally:
            await connection.close()

    try:
        assert asyncio.run(connect()) == "True"
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return None


@pytest.mark.parametrize("mode", ["", "sslmode=require&", "sslmode=verify-ca&", "sslmode=verify-full&"])
def test_the_right_authority_and_the_right_host_are_taken(mode: str, named: str, own: Authority) -> None:
    assert refused(named, f"?{mode}sslrootcert={own.file}") is None


def test_another_host_is_taken_by_verify_ca_alone(nameless: str, own: Authority) -> None:
    assert refused(nameless, f"?sslmode=verify-ca&sslrootcert={own.file}") is None
    assert "IP address mismatch" in str(refused(nameless, f"?sslmode=verify-full&sslrootcert={own.file}"))


@pytest.mark.parametrize("mode", ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full", "sslmode=prefer"])
def test_another_authority_is_refused(mode: str, named: str, other: Authority) -> None:
    assert "unable to get local issuer" in str(refused(named, f"?{mode}&sslrootcert={other.file}"))


@pytest.mark.parametrize("mode", ["", "?sslmode=require", "?sslmode=verify-ca", "?sslmode=verify-full"])
def test_an_authority_that_nobody_named_is_refused(mode: str, named: str) -> None:
    """`require` as well: without channel binding nothing else keeps a man in the middle out of the sign-in."""
    assert "unable to get local issuer" in str(refused(named, mode))


def test_a_command_says_in_one_line_that_the_certificate_is_refused(named: str, other: Authority, tmp_path: Path) -> None:
    said = refusal(taskwell("migrate", cwd=tmp_path, DATABASE_URL=f"{named}?sslmode=require&sslrootcert={other.file}"))
    assert "certificate" in said
