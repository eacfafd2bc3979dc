"""What operators and their platforms put into the environment: a PORT, quotes, a network's host bits, nobody's home."""

import pwd
from ipaddress import ip_network
from pathlib import Path

import pytest

from taskwell.database import url
from taskwell.environment import read_settings
from taskwell.errors import CannotStart
from taskwell.settings import SECRET_SETTINGS, SETTING_NAMES, Settings

URL = "postgresql://alice:hunter2@db.example.com/tasks"


def load(**environ: str) -> Settings:
    return read_settings(environ, env_file=None)


def refusal(**environ: str) -> str:
    with pytest.raises(CannotStart) as refused:
        load(**environ)
    assert "hunter2" not in refused.value.message
    assert "\n" not in refused.value.message
    return refused.value.message


def test_a_platforms_port_is_used_where_ours_is_not_set_and_never_changes_the_host(tmp_path: Path) -> None:
    settings = load(PORT=" 10000 ")
    assert (settings.host, settings.port) == ("127.0.0.1", 10000)
    assert {line.name: line.source for line in settings.describe()}["TASKWELL_PORT"] == "environment (PORT)"
    assert load(PORT="10000", TASKWELL_PORT="9000").port == 9000
    assert load(PORT="10000", TASKWELL_PORT="tcp://10.96.0.12:8000").port == 10000
    (tmp_path / ".env").write_text("TASKWELL_PORT=9001\nPORT=3000\n")
    assert read_settings({"PORT": "10000"}, tmp_path / ".env").port == 9001
    (tmp_path / ".env").write_text("PORT=3000\n")  # of another program
    assert read_settings({}, tmp_path / ".env").port == 8000


@pytest.mark.parametrize("port", ["", "http", "0", "65536"])
def test_a_platforms_port_that_is_none_is_named(port: str) -> None:
    assert refusal(PORT=port).startswith(("PORT should be ", "PORT must be a whole number"))
    assert load(PORT=port, TASKWELL_PORT="9000").port == 9000


@pytest.mark.parametrize("name", [*SETTING_NAMES, "PORT"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_around_any_value_are_named(name: str, quote: str) -> None:
    said = refusal(**{name: f"{quote}hunter2{quote}"})
    assert f"{name} (environment) has quotes around its value, which docker's --env-file keeps: leave them out" in said


@pytest.mark.parametrize("name", [*SETTING_NAMES, "DATABASE_URL_FILE"])
def test_bytes_that_are_not_utf_8_are_named(name: str) -> None:
    """As Python has them in os.environ. No pipe and no log could show such a value."""
    assert refusal(**{name: "hunter2\udcfc"}) == f"{name} (environment) is not UTF-8"


def test_quotes_in_a_secrets_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f'"{URL}"\n')
    said = refusal(DATABASE_URL_FILE=str(tmp_path / "url"))
    assert "DATABASE_URL_FILE names a file with quotes around the secret: leave them out" in said


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_around_the_path_of_a_secrets_file_are_named(quote: str) -> None:
    said = refusal(DATABASE_URL_FILE=f"{quote}/run/secrets/url{quote}\r")
    assert said == (
        "DATABASE_URL_FILE (environment) has quotes around its value, which docker's --env-file keeps: leave them out"
    )


@pytest.mark.parametrize("name", sorted(SECRET_SETTINGS))
@pytest.mark.parametrize(
    "secret", [URL, '[{"secret": "hunter2"}]', "hunter2", "/hunter2+base64=", "-----BEGIN hunter2\n", "~hunter2", "hunter2" * 99]
)
def test_a_secret_in_the_place_of_its_path_is_not_said(name: str, secret: str) -> None:
    said = refusal(**{f"{name}_FILE": secret})
    assert said.startswith(
        f"{name}_FILE names a file that cannot be read: it holds a path, and the secret itself goes into {name} ("
    )


@pytest.mark.parametrize("path", ["/run/secrets/url", "./url", "../url-2.txt", "~/url", "~nobody_of-that-name/url"])
def test_the_path_of_a_secrets_file_that_cannot_be_read_is_said(path: str) -> None:
    assert refusal(DATABASE_URL_FILE=path).startswith(f"DATABASE_URL_FILE names a file that cannot be read: {path!r} (")


def test_blanks_around_the_path_of_a_secrets_file_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(URL)
    settings = load(DATABASE_URL_FILE=f" {tmp_path / 'url'}\r")
    assert settings.database_url is not None
    assert {line.name: line.source for line in settings.describe()}["DATABASE_URL"] == f"file {tmp_path / 'url'}"


def test_blanks_around_values_do_no_harm() -> None:
    settings = load(DATABASE_URL=f" {URL}\r", TASKWELL_HOST="0.0.0.0\t", TASKWELL_TRUSTED_PROXIES=" 10.0.0.0/8 , ::1 ")
    assert settings.host == "0.0.0.0"
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize(
    ("given", "network"), [("10.0.0.1/8", "10.0.0.0/8"), ("::1,192.168.1.5/24", "192.168.1.0/24"), ("fd00::7/64", "fd00::/64")]
)
def test_host_bits_are_named_with_the_network_that_was_meant(given: str, network: str) -> None:
    said = refusal(TASKWELL_TRUSTED_PROXIES=given)
    assert said.startswith(f"TASKWELL_TRUSTED_PROXIES has {given.rpartition(',')[2]}, which is an address inside of a network: ")
    assert f"{network} is the network" in said


def nobody(*_: object) -> None:
    raise KeyError


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's uid that no /etc/passwd knows."""
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME", "PGUSER", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)


@pytest.mark.usefixtures("nameless")
def test_nobody_without_a_home_needs_a_database_url_or_a_data_folder(tmp_path: Path) -> None:
    assert load(DATABASE_URL=URL).describe()
    assert load(TASKWELL_DATA_DIR=str(tmp_path)).data_dir == tmp_path
    assert refusal().startswith("there is no home folder to keep the data in")
    assert refusal(TASKWELL_DATA_DIR="~/data").startswith("TASKWELL_DATA_DIR begins with a ~ that leads to no home folder")


@pytest.mark.usefixtures("nameless")
def test_nobody_without_a_name_must_be_named_in_the_url() -> None:
    assert url.parse(URL).arguments()["user"] == "alice"
    with pytest.raises(
        CannotStart, match=r"names no user, and neither does the system, for the uid \d+: write postgresql://USER"
    ):
        url.parse("postgresql://db.example.com/tasks").arguments()
