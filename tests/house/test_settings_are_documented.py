"""docs/settings.md and .env.example name every setting and no other, and the defaults that they give are those of the code."""

import re
from pathlib import Path

from taskwell.environment import is_service_link, read_settings
from taskwell.settings import SECRET_SETTINGS, SETTING_NAMES, Settings

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
LOOKS_LIKE_A_SETTING = re.compile(r"\b(?:TASKWELL|DATABASE)_[A-Z0-9_]*[A-Z0-9]\b")
FILES = {f"{name}_FILE" for name in SECRET_SETTINGS}
# In words, because they depend on the machine or are nothing that could be typed.
IN_WORDS = {
    "DATABASE_URL": "not set",
    "DATABASE_DIRECT_URL": "not set",
    "TASKWELL_DATA_DIR": "the user's data folder",
    "TASKWELL_WORKERS": "automatic",
    "TASKWELL_SIGNING_KEY": "not set",
    "TASKWELL_TRUSTED_PROXIES": "none",
    "TASKWELL_ROOT_PATH": "none",
    "TASKWELL_ISSUERS": "none",
    "TASKWELL_CORS_ORIGINS": "none",
    "TASKWELL_CORS_HEADERS": "none",
}


def test_the_table_has_every_setting_in_the_order_of_the_code() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", DOCS, re.MULTILINE)
    assert tuple(rows) == SETTING_NAMES


def test_the_table_gives_the_defaults_of_the_code() -> None:
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", DOCS, re.MULTILINE))
    in_code = {line.name: f"`{line.value}`" for line in Settings().describe()}
    assert documented == in_code | IN_WORDS


def test_the_example_has_every_setting_in_the_order_of_the_code() -> None:
    assigned = re.findall(r"^# ([A-Z_]+)=", EXAMPLE, re.MULTILINE)
    assert tuple(name.removesuffix("_FILE") for name in assigned) == SETTING_NAMES


def test_neither_names_a_setting_that_does_not_exist() -> None:
    named = set(LOOKS_LIKE_A_SETTING.findall(DOCS + EXAMPLE))
    unknown = {name for name in named - set(SETTING_NAMES) - FILES if not is_service_link(name)}
    assert unknown == set()
    assert named >= FILES


def test_the_example_can_be_used_as_it_is_and_with_every_line_of_it_switched_on(tmp_path: Path) -> None:
    as_it_is, switched_on = tmp_path / "as_it_is", tmp_path / "switched_on"
    as_it_is.write_text(EXAMPLE, encoding="utf-8")
    assert read_settings({}, as_it_is) == read_settings({}, None)
    lines = [line for line in EXAMPLE.splitlines() if "SIGNING_KEY_FILE" not in line]  # there is no such file here
    switched_on.write_text("\n".join(line.removeprefix("# ") if "=" in line else line for line in lines), encoding="utf-8")
    given = {line.name for line in read_settings({}, switched_on).describe() if line.source == ".env"}
    assert given == set(SETTING_NAMES) - {"TASKWELL_SIGNING_KEY"}
