"""The settings that say who is let in, and at which addresses: what each may be, and which do not go together."""

import json
from ipaddress import ip_network

import pytest

from taskwell.environment import read_settings
from taskwell.errors import CannotStart
from taskwell.settings import Settings

ROW = {"name": "acme", "issuer": "https://login.acme.example", "audience": "taskwell", "algorithms": ["RS256"]}
JWKS = ROW | {"jwks_url": "https://login.acme.example/jwks"}
NONE = {"TASKWELL_AUTH": "none"}


def load(**environ: str) -> Settings:
    return read_settings(environ, env_file=None)


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(CannotStart) as refused:
        load(**environ)
    assert "\n" not in refused.value.message
    assert "hunter2" not in refused.value.message
    return refused.value.message


def shown(name: str, settings: Settings) -> str:
    return next(line.value for line in settings.describe() if line.name == name)


@pytest.mark.parametrize(
    ("name", "value", "field", "holds", "is_shown"),
    [
        ("ACCESS_TOKEN_SECONDS", "60", "access_token_seconds", 60, "60"),
        ("ACCESS_TOKEN_SECONDS", "86400", "access_token_seconds", 86400, "86400"),
        ("REFRESH_TOKEN_DAYS", "1", "refresh_token_days", 1, "1"),
        ("REFRESH_TOKEN_DAYS", "366", "refresh_token_days", 366, "366"),
        ("REGISTRATION", "OPEN", "registration", "open", "open"),
        ("REGISTRATION", "closed", "registration", "closed", "closed"),
        ("AUTH", "Token", "auth", "token", "token"),
        ("AUTH", "NONE", "auth", "none", "none"),
        ("AUTH_NONE_BEHIND_GATEWAY", "YES", "auth_none_behind_gateway", True, "yes"),
        ("AUTH_NONE_BEHIND_GATEWAY", "no", "auth_none_behind_gateway", False, "no"),
        ("TRUSTED_PROXIES", "127.0.0.1", "trusted_proxies", (ip_network("127.0.0.1/32"),), "127.0.0.1/32"),
        ("TRUSTED_PROXIES", "::1", "trusted_proxies", (ip_network("::1/128"),), "::1/128"),
        (
            "TRUSTED_PROXIES",
            " 10.0.0.0/8 ,fd00::/8",
            "trusted_proxies",
            (ip_network("10.0.0.0/8"), ip_network("fd00::/8")),
            "10.0.0.0/8,fd00::/8",
        ),
        ("TRUSTED_PROXIES", "", "trusted_proxies", (), "none"),
        # As a socket on :: names an IPv4 proxy, whose address is read as IPv4 (read_address).
        ("TRUSTED_PROXIES", "::ffff:127.0.0.1", "trusted_proxies", (ip_network("127.0.0.1/32"),), "127.0.0.1/32"),
        ("TRUSTED_PROXIES", "::ffff:10.0.0.0/104", "trusted_proxies", (ip_network("10.0.0.0/8"),), "10.0.0.0/8"),
        (
            "TRUSTED_PROXIES",
            "::ffff:0:0/96,::/0",
            "trusted_proxies",
            (ip_network("0.0.0.0/0"), ip_network("::/0")),
            "0.0.0.0/0,::/0",
        ),
        ("ISSUERS", "[]", "issuers", (), "none"),
    ],
)
def test_a_good_value_is_taken_and_shown_as_it_is_written(
    name: str, value: str, field: str, holds: object, is_shown: str
) -> None:
    settings = load(**{f"TASKWELL_{name}": value})
    assert getattr(settings, field) == holds
    assert shown(f"TASKWELL_{name}", settings) == is_shown


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ACCESS_TOKEN_SECONDS", "59", "should be greater than or equal to 60"),
        ("ACCESS_TOKEN_SECONDS", "86401", "should be less than or equal to 86400"),
        ("ACCESS_TOKEN_SECONDS", "15m", "must be a whole number in decimal digits"),
        ("REFRESH_TOKEN_DAYS", "0", "should be greater than or equal to 1"),
        ("REFRESH_TOKEN_DAYS", "367", "should be less than or equal to 366"),
        ("REFRESH_TOKEN_DAYS", "0.5", "must be a whole number in decimal digits"),
        ("REGISTRATION", "invite", "should be 'open' or 'closed'"),
        ("REGISTRATION", "", "(environment) is empty"),
        ("AUTH", "off", "should be 'token' or 'none'"),
        ("AUTH", "", "(environment) is empty"),
        ("AUTH_NONE_BEHIND_GATEWAY", "true", "must be yes or no"),
        ("AUTH_NONE_BEHIND_GATEWAY", "1", "must be yes or no"),
        ("AUTH_NONE_BEHIND_GATEWAY", "", "(environment) is empty"),
        ("TRUSTED_PROXIES", "*", "must be a comma list of addresses or networks"),
        ("TRUSTED_PROXIES", "proxy.example.com", "must be a comma list"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.0/8 is the network"),
        ("TRUSTED_PROXIES", "::ffff:10.0.0.1/104", "is an address inside of a network"),
        ("TRUSTED_PROXIES", "10.0.0.1:80", "must be a comma list"),
        ("TRUSTED_PROXIES", "10.0.0.1,,10.0.0.2", "must be a comma list"),
        ("TRUSTED_PROXIES", "10.0.0.1 10.0.0.2", "must be a comma list"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "must be a comma list"),
        ("ISSUERS", "", "(environment) is empty"),
        ("ISSUERS", "clerk", "is not JSON: see line 1, column 1"),
        ("ISSUERS", "{}", "must be a JSON list of issuers"),
        ("ISSUERS", '[{"preset": "hunter2"}]', "row 1: preset is none of"),
        ("ISSUERS", json.dumps([ROW | {"secret": "hunter2"}]), "row 1: "),
        ("ISSUERS", json.dumps([JWKS, JWKS]), "row 2: name is that of row 1"),
        ("ISSUERS", json.dumps([JWKS | {"issuer": "taskwell"}]), "has a row whose issuer is TASKWELL_ISSUER"),
    ],
)
def test_a_bad_value_is_refused_and_its_setting_named(name: str, value: str, says: str) -> None:
    message = refusal({f"TASKWELL_{name}": value})
    assert message.startswith(f"TASKWELL_{name} ")
    assert says in message


def test_another_issuer_may_have_any_name_but_ours() -> None:
    ours = {"TASKWELL_ISSUER": JWKS["issuer"], "TASKWELL_ISSUERS": json.dumps([JWKS])}
    assert "has a row whose issuer is TASKWELL_ISSUER" in refusal({name: str(value) for name, value in ours.items()})
    assert load(TASKWELL_ISSUERS=json.dumps([JWKS])).issuers[0].name == "acme"


def test_an_issuer_is_shown_without_what_is_secret_of_it() -> None:
    secret = "hunter2-Ohb0eiPh4ahfeiNg9aexah7eeKie3tho"
    settings = load(TASKWELL_ISSUERS=json.dumps([ROW | {"algorithms": ["HS256"], "secret": secret}]))
    assert shown("TASKWELL_ISSUERS", settings) == "acme (https://login.acme.example)"
    assert secret not in repr(settings) + str(settings) + repr(settings.describe()) + settings.model_dump_json()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_without_sign_in_it_may_listen_on_this_machine(host: str) -> None:
    assert load(**NONE, TASKWELL_HOST=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "tasks.example.com", "localhost.example.com"])
def test_without_sign_in_it_listens_elsewhere_only_behind_a_gateway(host: str) -> None:
    message = refusal(NONE | {"TASKWELL_HOST": host})
    assert message.startswith(f"TASKWELL_AUTH=none lets in whoever reaches {host}: ")
    assert "TASKWELL_AUTH_NONE_BEHIND_GATEWAY=yes" in message
    for refused in ({"TASKWELL_AUTH_NONE_BEHIND_GATEWAY": "no"}, {"TASKWELL_REGISTRATION": "closed"}):
        assert refusal(NONE | {"TASKWELL_HOST": host} | refused) == message
    assert load(**NONE, TASKWELL_HOST=host, TASKWELL_AUTH_NONE_BEHIND_GATEWAY="yes").host == host
    assert load(TASKWELL_HOST=host).auth == "token"


@pytest.mark.parametrize("gateway", ["yes", "no"])
def test_without_sign_in_not_every_web_page_may_read(gateway: str) -> None:
    given = NONE | {"TASKWELL_AUTH_NONE_BEHIND_GATEWAY": gateway}
    message = refusal(given | {"TASKWELL_CORS_ORIGINS": "*"})
    assert message == "TASKWELL_AUTH=none with TASKWELL_CORS_ORIGINS=* lets every web page read the tasks: name the origins"
    origin = "http://localhost:5173"
    assert load(**given, TASKWELL_CORS_ORIGINS=origin).cors_origins == (origin,)
    assert load(TASKWELL_CORS_ORIGINS="*").cors_origins == ("*",)


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:*", "http://127.0.0.1:5173", "https://[::1]:*", "capacitor://localhost", "http://tasks.localhost:3000"],
)
def test_without_sign_in_pages_of_this_machine_may_read(origin: str) -> None:
    assert load(**NONE, TASKWELL_CORS_ORIGINS=origin).cors_origins == (origin,)


@pytest.mark.parametrize(
    "origin", ["https://app.example.com", "https://*.example.com", "http://192.168.1.5:8080", "http://localhost.example"]
)
def test_without_sign_in_pages_of_other_machines_read_only_behind_a_gateway(origin: str) -> None:
    message = refusal(NONE | {"TASKWELL_CORS_ORIGINS": f"http://localhost:*,{origin}"})
    assert message.startswith(
        "TASKWELL_AUTH=none lets in the pages of TASKWELL_CORS_ORIGINS, and takes only pages of this machine "
    )
    assert message.endswith("(entry 2)")
    assert load(**NONE, TASKWELL_CORS_ORIGINS=origin, TASKWELL_AUTH_NONE_BEHIND_GATEWAY="yes").cors_origins == (origin,)


@pytest.mark.parametrize(
    "origins",
    [
        "https://a.example/",
        "https://a.example/x",
        "https://u:hunter2@a",
        "https://*.a",
        "https://*.com",
        "https://*.1.2.3.4",
        "https://*",
        "https://*:443",
        "https://*.*.example.com",
        "https://a.*.example.com",
        "https://a*.example.com",
        "https://*example.com",
        "*://app.example.com",
        "*.example.com",
        "https://*.example.com:443",
        "https://app.example.com:*",
        "http://192.168.1.5:*",
        "http://localhost.example.com:*",
        "http://localhost:5*",
        "http://localhost:",
        "https://a:x",
        "https://bücher.example",
        "https://a:443",
        "http://a:80",
        "https://a:0",
        "https://a:99999",
        "http://localhost:03000",
        "http://localhost:080",
        "http://localhost:00*",
        "https://..",
        "https://.a",
        "https://a..b",
        "https://127.1",
        "https://127.0.0.01",
        "https://127.0.0.1.",
        "https://2130706433",
        "https://0x7f.0.0.1",
        "https://a.0x7f",
        "http://[0::1]:3000",
        "http://[:::]",
        "http://[0:0:0:0:0:0:0:1]",
        "http://[::ffff:127.0.0.1]",
        "https://a,,https://b",
        "*,https://a",
        "https://",
        "a.example",
        "null",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(origins: str) -> None:
    assert refusal({"TASKWELL_CORS_ORIGINS": origins}).startswith("TASKWELL_CORS_ORIGINS ")


ONE_ENTRY = (
    "https://[::1]:8443",
    "http://192.168.1.5:8080",
    "https://example.com.",
    "https://1.0.example",
    "app://1",
    "https://*.example.com",
    "https://*.example.co.uk:8443",
    "http://localhost:*",
    "http://127.0.0.1:*",
    "http://[::1]:*",
    "http://*.localhost:3000",
)


@pytest.mark.parametrize(
    ("text", "origins"),
    [("*", ("*",)), ("", ()), *((one, (one,)) for one in ONE_ENTRY)],
)
def test_origins_may_be_all_none_or_patterns(text: str, origins: tuple[str, ...]) -> None:
    assert load(TASKWELL_CORS_ORIGINS=text).cors_origins == origins


@pytest.mark.parametrize(("text", "prefix"), [("/", ""), ("/a", "/a"), ("/a/", "/a"), ("/a.b/~c_d-e/", "/a.b/~c_d-e")])
def test_a_prefix_is_a_path_without_a_slash_at_its_end(text: str, prefix: str) -> None:
    assert load(TASKWELL_ROOT_PATH=text).root_path == prefix


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a/b",
        "//a",
        "/a//b",
        "/a//",
        "https://a.example/b",
        "/..",
        "/a/../b",
        "/./a",
        "/a?b",
        "/a#b",
        "/a b",
        "/ü",
        "/%2e",
        "/a;b",
    ],
)
def test_what_is_no_prefix_is_refused(text: str) -> None:
    assert refusal({"TASKWELL_ROOT_PATH": text}).startswith("TASKWELL_ROOT_PATH must be a path such as /tasks-api: ")


def test_more_headers_may_be_sent_by_a_page() -> None:
    assert load(TASKWELL_CORS_HEADERS="X-App-Version, x-device").cors_headers == ("X-App-Version", "x-device")
    for bad in ("X App", "*", "a,,b", "a:b", "x" * 65, "ü", "a\nb"):
        assert refusal({"TASKWELL_CORS_HEADERS": bad}).startswith(
            "TASKWELL_CORS_HEADERS must be a comma list of names of headers"
        )
