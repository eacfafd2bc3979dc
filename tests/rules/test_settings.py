"""Where a setting comes from, what is refused, and that no secret is ever said."""

import base64
import json
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr, ValidationError

from taskwell.environment import read_settings
from taskwell.errors import CannotStart
from taskwell.settings import SECRET_SETTINGS, SETTING_NAMES, Settings, cores

URL = "postgresql://alice:hunter2@db.example.com/tasks"
NEON = "postgresql://alice:hunter2@ep-a-pooler.eu-central-1.aws.neon.tech/tasks?sslmode=require&channel_binding=require"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(7, 39)))
SEED = base64.urlsafe_b64encode(KEY.private_bytes_raw()).decode()
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
OTHER_PEM = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ISSUER_SECRET = "hunter2-Ohb0eiPh4ahfeiNg9aexah7eeKie3tho"
ISSUERS = json.dumps([{"preset": "supabase", "address": "https://a.example", "algorithms": ["HS256"], "secret": ISSUER_SECRET}])
SECRET_OF = {"TASKWELL_SIGNING_KEY": SEED, "TASKWELL_ISSUERS": ISSUERS}
LOCKED_PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2")).decode()


def load(**environ: str) -> Settings:
    return read_settings(environ, env_file=None)


def refusal(environ: dict[str, str], env_file: Path | None = None) -> str:
    with pytest.raises(CannotStart) as refused:
        read_settings(environ, env_file)
    assert (
        refused.value.__context__ is None or refused.value.__suppress_context__
    )  # a traceback would show pydantic's error, and that the values
    assert "\n" not in refused.value.message
    assert "hunter2" not in refused.value.message
    return refused.value.message


def test_without_any_setting_taskwell_is_a_private_server_on_this_machine() -> None:
    settings = load()
    assert (settings.database_url, settings.signing_key, settings.private_key) == (None, None, None)
    assert (settings.host, settings.port, settings.worker_count, settings.pool_size) == ("127.0.0.1", 8000, 1, 8)
    assert settings.data_dir.is_absolute()
    assert settings.data_dir.name == "taskwell"
    assert (settings.cors_origins, settings.trusted_proxies, settings.issuers) == ((), (), ())
    assert (settings.access_token_seconds, settings.refresh_token_days) == (900, 30)
    assert (settings.registration, settings.auth, settings.auth_none_behind_gateway) == ("open", "token", False)
    assert settings.sign_ups_per_hour == 100


def test_sign_ups_are_a_number_or_off() -> None:
    settings = load(TASKWELL_SIGN_UPS_PER_HOUR="Off")
    assert settings.sign_ups_per_hour is None
    assert {line.name: line.value for line in settings.describe()}["TASKWELL_SIGN_UPS_PER_HOUR"] == "off"
    for bad in ("0", "-1", "1000001", "many", "1.5", ""):
        assert refusal({"TASKWELL_SIGN_UPS_PER_HOUR": bad}).startswith("TASKWELL_SIGN_UPS_PER_HOUR")


def test_every_setting_is_read_by_its_name(tmp_path: Path) -> None:
    settings = load(
        DATABASE_URL=NEON,
        DATABASE_DIRECT_URL=URL,
        TASKWELL_DATA_DIR=str(tmp_path),
        TASKWELL_HOST="0.0.0.0",
        TASKWELL_PORT=" 9000 ",
        TASKWELL_WORKERS="3",
        TASKWELL_POOL_SIZE="20",
        TASKWELL_PREPARED_STATEMENTS="off",
        TASKWELL_SETS="Off",
        TASKWELL_SIGNING_KEY=SEED,
        TASKWELL_ISSUER="https://tasks.example.com",
        TASKWELL_ACCESS_TOKEN_SECONDS="600",
        TASKWELL_REFRESH_TOKEN_DAYS="7",
        TASKWELL_TRASH_DAYS="90",
        TASKWELL_REGISTRATION="Closed",
        TASKWELL_SIGN_UPS_PER_HOUR="20",
        TASKWELL_TRUSTED_PROXIES="10.0.0.0/8, 2001:db8::1",
        TASKWELL_ROOT_PATH="/tasks-api/",
        TASKWELL_ISSUERS=ISSUERS,
        TASKWELL_AUTH="none",
        TASKWELL_AUTH_NONE_BEHIND_GATEWAY="Yes",
        TASKWELL_KEEP_ALIVE_SECONDS="650",
        TASKWELL_CORS_ORIGINS="https://App.example.com, http://localhost:5173,capacitor://localhost",
        TASKWELL_CORS_HEADERS="X-App-Version,X-Device",
        TASKWELL_LOG_FORMAT="json",
        TASKWELL_LOG_LEVEL="WARNING",
        TASKWELL_LOG_ADDRESSES="no",
    )
    assert settings.database_url == SecretStr(NEON)
    assert settings.database_direct_url == SecretStr(URL)
    assert settings.signing_key == SecretStr(SEED)
    assert [(issuer.name, issuer.secret) for issuer in settings.issuers] == [("supabase", SecretStr(ISSUER_SECRET))]
    assert settings.model_dump(exclude={"database_url", "database_direct_url", "signing_key", "issuers"}) == {
        "data_dir": tmp_path,
        "host": "0.0.0.0",
        "port": 9000,
        "workers": 3,
        "pool_size": 20,
        "prepared_statements": "off",
        "sets": "off",
        "issuer": "https://tasks.example.com",
        "access_token_seconds": 600,
        "refresh_token_days": 7,
        "trash_days": 90,
        "registration": "closed",
        "sign_ups_per_hour": 20,
        "trusted_proxies": (ip_network("10.0.0.0/8"), ip_network("2001:db8::1/128")),
        "root_path": "/tasks-api",
        "auth": "none",
        "auth_none_behind_gateway": True,
        "cors_origins": ("https://app.example.com", "http://localhost:5173", "capacitor://localhost"),
        "cors_headers": ("X-App-Version", "X-Device"),
        "log_format": "json",
        "log_level": "warning",
        "log_addresses": False,
        "keep_alive_seconds": 650,
    }
    assert {line.source for line in settings.describe()} == {"environment"}


def test_settings_made_in_code_do_not_see_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKWELL_PORT", "9999")
    monkeypatch.setenv("PORT", "9999")
    settings = Settings(workers=2)
    assert settings.port == 8000
    assert {line.name: line.source for line in settings.describe()}["TASKWELL_WORKERS"] == "argument"


def test_the_process_environment_is_read_when_no_other_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKWELL_PORT", "9999")
    assert read_settings(env_file=None).port == 9999


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load().port = 1  # type: ignore[misc]


def test_the_environment_goes_before_the_env_file_and_that_before_the_default(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(
        f"# ours\nexport TASKWELL_PORT=9000\nTASKWELL_WORKERS='4'\nDATABASE_URL={URL}\nPOSTGRES_PASSWORD=of-another-program\n"
    )
    settings = read_settings({"TASKWELL_PORT": "9001", "HOME": "/"}, env_file)
    lines = {line.name: (line.value, line.source) for line in settings.describe()}
    assert lines["TASKWELL_PORT"] == ("9001", "environment")
    assert lines["TASKWELL_WORKERS"] == ("4", ".env")
    assert lines["TASKWELL_POOL_SIZE"] == ("8", "default")
    assert lines["DATABASE_URL"] == ("postgresql://alice:********@db.example.com:5432/tasks?sslmode=verify-full", ".env")


def test_a_secret_file_in_the_environment_goes_before_the_secret_in_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL={URL}\n")
    (tmp_path / "url").write_text(NEON + "\n")
    settings = read_settings({"DATABASE_URL_FILE": str(tmp_path / "url")}, tmp_path / ".env")
    assert settings.database_url == SecretStr(NEON)


def test_a_missing_env_file_is_an_empty_one(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path / ".env").port == 8000


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"TASKWELL_PORT 9000\n", "line 1 of"),
        (b"\nTASKWELL_PORT\n", "line 2 of"),
        (b"TASKWELL_PORT=\xff\n", "cannot be read as a UTF-8 text file"),
        (b"TASKWELL_PROT=9000\n", "TASKWELL_PROT (.env) is not a setting: did you mean TASKWELL_PORT?"),
        (b"TASKWELL_SERVICE_HOST=x\n", "TASKWELL_SERVICE_HOST (.env) is not a setting"),
        (b"TASKWELL_PORT=tcp://10.0.0.1:80\n", "TASKWELL_PORT must be a whole number in decimal digits"),
        (b"TASKWELL_PORT=\n", "TASKWELL_PORT (.env) is empty"),
    ],
)
def test_an_env_file_with_a_mistake_in_it_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    assert says in refusal({}, tmp_path / ".env")
    assert str(tmp_path) in refusal({}, tmp_path)


def test_a_password_in_the_env_file_is_taken_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\ufeffDATABASE_URL=postgresql://u:a${HOME}$b@h/d\n", encoding="utf-8")
    assert read_settings({}, tmp_path / ".env").database_url == SecretStr("postgresql://u:a${HOME}$b@h/d")


@pytest.mark.parametrize("name", sorted(SECRET_SETTINGS))
def test_a_secret_may_be_in_a_file(tmp_path: Path, name: str) -> None:
    secret = SECRET_OF.get(name, URL)
    (tmp_path / "secret").write_text(secret + "\r\n")
    more = {"DATABASE_URL": URL} if name == "DATABASE_DIRECT_URL" else {}
    settings = read_settings({f"{name}_FILE": str(tmp_path / "secret"), **more}, None)
    [line] = [line for line in settings.describe() if line.name == name]
    assert line.source == f"file {tmp_path / 'secret'}"
    assert secret not in line.value
    if name == "TASKWELL_ISSUERS":
        assert settings.issuers == load(TASKWELL_ISSUERS=ISSUERS).issuers
    else:
        assert SecretStr(secret) in {settings.database_url, settings.database_direct_url, settings.signing_key}


@pytest.mark.parametrize("name", sorted(SECRET_SETTINGS))
def test_a_secret_that_cannot_be_had_is_refused_by_name(tmp_path: Path, name: str) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n")
    binary.write_bytes(b"hunter2\xff")
    assert refusal({name: " "}) == f"{name} (environment) is empty: leave it out for its default"
    assert refusal({f"{name}_FILE": str(empty)}) == f"{name}_FILE names an empty file: '{empty}'"
    assert "(not a text file)" in refusal({f"{name}_FILE": str(binary)})
    assert "(Is a directory)" in refusal({f"{name}_FILE": str(tmp_path)})
    assert "(No such file or directory)" in refusal({f"{name}_FILE": str(tmp_path / "missing")})
    assert refusal({f"{name}_FILE": ""}) == f"{name}_FILE is empty: it names a file"
    assert f"{name} and {name}_FILE are both set" in refusal({name: "hunter2", f"{name}_FILE": str(empty)})


@pytest.mark.parametrize(
    "name", ["TASKWELL_TRUSTED_PROXIES", "TASKWELL_CORS_ORIGINS", "TASKWELL_CORS_HEADERS", "TASKWELL_ROOT_PATH"]
)
def test_what_is_none_by_default_may_be_empty(name: str) -> None:
    assert load(**{name: " "}).model_dump() == load().model_dump()


def test_blanks_around_a_number_are_no_part_of_it() -> None:
    assert load(TASKWELL_PORT=" 9000\n").port == 9000


def test_only_secrets_may_be_in_files() -> None:
    assert refusal({"TASKWELL_PORT_FILE": "/port"}).startswith("TASKWELL_PORT_FILE (environment) is not a setting")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://u:hunter2@h/d", "DATABASE_URL is not a PostgreSQL URL"),
        ("DATABASE_URL", "postgresql://u:hunter2@h/d?sslcert=x", "DATABASE_URL has the parameter 'sslcert'"),
        ("TASKWELL_HOST", "http://0.0.0.0", "TASKWELL_HOST must be an address"),
        ("TASKWELL_HOST", "127.0.0.1:80", "the port is TASKWELL_PORT"),
        ("TASKWELL_HOST", "a/b", "TASKWELL_HOST must be an address"),
        ("TASKWELL_PORT", "0", "TASKWELL_PORT should be greater than or equal to 1 (it is '0')"),
        ("TASKWELL_PORT", "65536", "TASKWELL_PORT should be less than or equal to 65535"),
        ("TASKWELL_PORT", "http", "TASKWELL_PORT must be a whole number in decimal digits"),
        # What the image's health check reads otherwise.
        *[("TASKWELL_PORT", port, "TASKWELL_PORT must be a whole number") for port in ("9_000", "+9000", "9000.0", "٩٠٠٠", "-1")],
        ("PORT", "9_000", "PORT must be a whole number"),
        ("TASKWELL_WORKERS", "0", "TASKWELL_WORKERS"),
        ("TASKWELL_WORKERS", "auto", "TASKWELL_WORKERS"),
        ("TASKWELL_POOL_SIZE", "2", "TASKWELL_POOL_SIZE"),
        ("TASKWELL_POOL_SIZE", "101", "TASKWELL_POOL_SIZE"),
        ("TASKWELL_PREPARED_STATEMENTS", "maybe", "TASKWELL_PREPARED_STATEMENTS should be 'auto', 'on' or 'off'"),
        ("TASKWELL_DATA_DIR", "~nobody-of-that-name/x", "TASKWELL_DATA_DIR begins with a ~"),
        ("TASKWELL_DATA_DIR", "/tmp/a\0b", "TASKWELL_DATA_DIR has a NUL"),  # as .env may have it
        ("TASKWELL_ISSUER", "two words", "TASKWELL_ISSUER must be"),
        ("TASKWELL_ISSUER", "x" * 256, "TASKWELL_ISSUER must be"),
        ("TASKWELL_ACCESS_TOKEN_SECONDS", "59", "TASKWELL_ACCESS_TOKEN_SECONDS"),
        ("TASKWELL_ACCESS_TOKEN_SECONDS", "86401", "TASKWELL_ACCESS_TOKEN_SECONDS"),
        ("TASKWELL_LOG_FORMAT", "xml", "TASKWELL_LOG_FORMAT should be 'auto', 'text' or 'json'"),
        ("TASKWELL_LOG_LEVEL", "trace", "TASKWELL_LOG_LEVEL should be"),
        ("TASKWELL_SIGNING_KEY", "hunter2", "TASKWELL_SIGNING_KEY must be an Ed25519 private key"),
        ("TASKWELL_SIGNING_KEY", base64.b64encode(bytes(range(31))).decode(), "TASKWELL_SIGNING_KEY must be"),
        ("TASKWELL_SIGNING_KEY", base64.b64encode(bytes(range(33))).decode(), "TASKWELL_SIGNING_KEY must be"),
        ("TASKWELL_SIGNING_KEY", SEED + "AAAA", "TASKWELL_SIGNING_KEY must be"),
        ("TASKWELL_SIGNING_KEY", "ä" * 43, "TASKWELL_SIGNING_KEY must be"),
        ("TASKWELL_SIGNING_KEY", "A" * 43, "TASKWELL_SIGNING_KEY is not random"),
        ("TASKWELL_SIGNING_KEY", PEM[:60], "TASKWELL_SIGNING_KEY is not an Ed25519 private key in PEM"),
        ("TASKWELL_SIGNING_KEY", OTHER_PEM, "TASKWELL_SIGNING_KEY is not an Ed25519 private key in PEM"),
        ("TASKWELL_SIGNING_KEY", LOCKED_PEM, "without a passphrase"),
    ],
)
def test_a_bad_value_is_refused_and_its_setting_named(name: str, value: str, says: str) -> None:
    message = refusal({name: value})
    assert message.startswith(says) or says in message
    assert message.startswith(name)
    if name in SECRET_SETTINGS:
        assert value not in message


def test_a_relative_data_folder_where_the_current_folder_is_gone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert refusal({"TASKWELL_DATA_DIR": "data"}).startswith("TASKWELL_DATA_DIR is relative to the current folder, which is gone")
    assert load(TASKWELL_DATA_DIR=str(tmp_path)).data_dir == tmp_path


def test_everything_wrong_is_said_at_once() -> None:
    message = refusal({"TASKWELL_PORT": "x", "TASKWELL_WORKERS": "0", "TASKWELL_LOGLEVEL": "info", "DATABASE_URL": "hunter2"})
    assert [problem.partition(" ")[0] for problem in message.split("; ")] == [
        "TASKWELL_LOGLEVEL",
        "DATABASE_URL",
        "TASKWELL_PORT",
        "TASKWELL_WORKERS",
    ]
    assert "did you mean TASKWELL_LOG_LEVEL?" in message


def test_a_direct_url_must_be_direct_and_does_not_come_alone() -> None:
    assert refusal({"DATABASE_URL": URL, "DATABASE_DIRECT_URL": NEON}).startswith("DATABASE_DIRECT_URL leads to a pooler")
    assert refusal({"DATABASE_DIRECT_URL": URL}) == "DATABASE_DIRECT_URL is set and DATABASE_URL is not: set both"
    assert (
        refusal({"DATABASE_DIRECT_URL": URL, "DATABASE_URL": ""})
        == "DATABASE_URL (environment) is empty: leave it out for its default"
    )


def test_what_kubernetes_injects_for_its_services_is_no_setting() -> None:
    injected = {
        "TASKWELL_PORT": "tcp://10.96.0.12:8000",
        "TASKWELL_SERVICE_HOST": "10.96.0.12",
        "TASKWELL_SERVICE_PORT": "8000",
        "TASKWELL_SERVICE_PORT_HTTP": "8000",
        "TASKWELL_PORT_8000_TCP": "tcp://10.96.0.12:8000",
        "TASKWELL_PORT_8000_TCP_PROTO": "tcp",
        "TASKWELL_PORT_8000_TCP_PORT": "8000",
        "TASKWELL_PORT_8000_TCP_ADDR": "10.96.0.12",
        "TASKWELL_PORT_53_UDP_ADDR": "10.96.0.12",
        # of a Service named taskwell-postgresql
        "TASKWELL_POSTGRESQL_PORT": "tcp://10.96.0.13:5432",
        "TASKWELL_POSTGRESQL_SERVICE_HOST": "10.96.0.13",
        "TASKWELL_POSTGRESQL_SERVICE_PORT_TCP_POSTGRESQL": "5432",
        "TASKWELL_POSTGRESQL_PORT_5432_TCP_ADDR": "10.96.0.13",
    }
    assert load(**injected) == load()
    assert refusal({"TASKWELL_POSTGRESQL_PORT": "5432"}).startswith("TASKWELL_POSTGRESQL_PORT (environment) is not a setting")


def test_an_ignored_service_link_leaves_the_port_of_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TASKWELL_PORT=9000\n")
    assert read_settings({"TASKWELL_PORT": "tcp://10.96.0.12:8000"}, tmp_path / ".env").port == 9000


@pytest.mark.parametrize(
    "text", [SEED, SEED.rstrip("="), base64.b64encode(KEY.private_bytes_raw()).decode(), PEM, PEM.replace("\n", "\\n")]
)
def test_a_signing_key_may_be_a_seed_or_pem(text: str) -> None:
    key = load(TASKWELL_SIGNING_KEY=text).private_key
    assert key is not None
    assert key.private_bytes_raw() == KEY.private_bytes_raw()


def test_no_secret_is_shown() -> None:
    settings = load(DATABASE_URL=NEON, DATABASE_DIRECT_URL=URL, TASKWELL_SIGNING_KEY=SEED, TASKWELL_ISSUERS=ISSUERS)
    shown = repr(settings) + str(settings) + repr(settings.describe()) + settings.model_dump_json()
    assert "hunter2" not in shown
    assert SEED not in shown
    lines = {line.name: line.value for line in settings.describe()}
    assert tuple(lines) == SETTING_NAMES
    assert lines["TASKWELL_SIGNING_KEY"] == "********"
    assert lines["TASKWELL_ISSUERS"] == "supabase (https://a.example/auth/v1)"
    assert lines["DATABASE_URL"] == (
        "postgresql://alice:********@ep-a-pooler.eu-central-1.aws.neon.tech:5432/tasks?sslmode=verify-full"
    )


def test_a_database_of_its_own_machine_gets_a_worker_for_each_core() -> None:
    assert load(DATABASE_URL=URL).worker_count == cores()
    assert load(DATABASE_URL=URL, TASKWELL_WORKERS="7").worker_count == 7
    assert load(TASKWELL_WORKERS="7").worker_count == 7


@pytest.mark.parametrize(
    ("limit", "most"), [("100000 100000", 1), ("50000 100000", 1), ("150000 100000", 1), ("max 100000", 10_000)]
)
def test_a_containers_limit_counts_as_cores(tmp_path: Path, limit: str, most: int) -> None:
    (tmp_path / "cpu.max").write_text(limit + "\n")
    assert cores(tmp_path / "cpu.max") == min(most, cores(tmp_path / "missing"))
