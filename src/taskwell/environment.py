"""The one reader of the environment: variables, `.env`, and files that hold a secret (`*_FILE`).

It is written here because pydantic-settings knows neither `*_FILE` nor the variables that Kubernetes makes for a Service, lets
unknown names pass, and would read `os.environ` in every test.
"""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic import ValidationError

from taskwell.encoding import is_utf8
from taskwell.errors import CannotStart
from taskwell.observability import LogFormat
from taskwell.settings import SECRET_SETTINGS, SETTING_NAMES, Settings, name_of

# Kubernetes tells every pod of a namespace about each Service in it; ours may be called taskwell, taskwell-db...
_SERVICE_LINK = re.compile(
    r"TASKWELL(_[A-Z0-9_]+)?(_SERVICE_HOST|_SERVICE_PORT(_[A-Z0-9_]+)?|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")
_FIELDS = {name_of(field): field for field in Settings.model_fields}
_QUOTED = "{name} ({source}) has quotes around its value, which docker's --env-file keeps: leave them out"
# What is surely a path. A secret that was given in the place of one is a URL, JSON, PEM, base64 or a word.
_PATH = re.compile(r"(~[\w-]*|\.{0,2})/[\w./-]*")
_KNOWN = {*SETTING_NAMES, *(f"{name}_FILE" for name in SECRET_SETTINGS)}


def read_settings(environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> Settings:
    """The real environment goes before `env_file`, and that before the defaults; a missing `env_file` is an empty one.

    Raises CannotStart, which lists everything that is wrong in one line, so that it is put right in one go.
    """
    problems: list[str] = []
    given = _given(_read_env_file(env_file, problems), ".env", problems)
    environ = os.environ if environ is None else environ
    given |= _given(_without_service_links(environ), "environment", problems)
    if "PORT" in environ and "port" not in given:  # the platforms' (Render, Railway, Cloud Run): anything of ours goes before
        port = environ["PORT"].strip()
        if _is_quoted(port):
            problems.append(_QUOTED.format(name="PORT", source="environment"))
        else:
            given["port"] = (port, "environment (PORT)")
    values = {field: value for field, (value, _) in given.items()}
    try:
        settings = Settings.with_sources(values, {field: source for field, (_, source) in given.items()})
    except ValidationError as error:
        found = [_sentence(detail, given) for detail in error.errors() if detail["loc"] or not problems]
        raise CannotStart("; ".join(problems + found)) from None
    if problems:
        raise CannotStart("; ".join(problems))
    return settings


def wished_log_format(env_file: Path = Path(".env")) -> LogFormat:
    """The format of the lines that are said before all settings can be read, such as those about a bad one."""
    wished = {**_read_env_file(env_file, []), **os.environ}.get("TASKWELL_LOG_FORMAT", "")
    return "json" if wished.strip().lower() == "json" else "auto"


def is_service_link(name: str, value: str = "") -> bool:
    """Whether Kubernetes made this variable, for a Service whose name begins with taskwell."""
    address = re.fullmatch(r"TASKWELL(_[A-Z0-9_]+)?_PORT", name) and _SERVICE_ADDRESS.fullmatch(value)
    return bool(address or _SERVICE_LINK.fullmatch(name))


def _read_env_file(path: Path | None, problems: list[str]) -> dict[str, str]:
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError):
        problems.append(f"{path} cannot be read as a UTF-8 text file")
        return {}
    # Not dotenv_values: it only logs a line that it cannot read, and puts os.environ into passwords with a ${...} in them.
    for one in bindings:
        if one.error or (one.key and one.value is None):
            blank = one.original.string[: -len(one.original.string.lstrip())]
            problems.append(f"line {one.original.line + blank.count(chr(10))} of {path} is not NAME=value")
    return {one.key: one.value for one in bindings if one.key and one.value is not None}


def _without_service_links(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not is_service_link(name, value)}


def _given(variables: Mapping[str, str], source: str, problems: list[str]) -> dict[str, tuple[str, str]]:
    """The value and the source of each field that one source sets."""
    for name in sorted(variables):
        if name.startswith("TASKWELL_") and name not in _KNOWN:
            alike = difflib.get_close_matches(name, sorted(_KNOWN), n=1)
            problems.append(f"{name} ({source}) is not a setting" + (f": did you mean {alike[0]}?" if alike else ""))
    unreadable = [name for name in sorted(_KNOWN & variables.keys()) if not is_utf8(variables[name])]
    problems += [f"{name} ({source}) is not UTF-8" for name in unreadable]
    variables = {name: value for name, value in variables.items() if name not in unreadable}
    given: dict[str, tuple[str, str]] = {}
    for name, field in _FIELDS.items():
        in_file = variables.get(f"{name}_FILE") if name in SECRET_SETTINGS else None
        if in_file is not None and name in variables:
            problems.append(f"{name} and {name}_FILE are both set ({source}): leave one out")
        elif in_file is not None:
            path = in_file.strip()
            if secret := _read_secret(f"{name}_FILE", path, source, problems):
                given[field] = (secret, f"file {path}")
        elif name in variables:
            value = variables[name].strip()
            if _is_quoted(value):
                problems.append(_QUOTED.format(name=name, source=source))
            elif value or field in ("cors_headers", "cors_origins", "root_path", "trusted_proxies"):
                given[field] = (value, source)
            else:
                problems.append(f"{name} ({source}) is empty: leave it out for its default")
    return given


def _read_secret(name: str, path: str, source: str, problems: list[str]) -> str:
    if not path:
        problems.append(f"{name} is empty: it names a file")
        return ""
    if _is_quoted(path):
        problems.append(_QUOTED.format(name=name, source=source))
        return ""
    try:
        secret = Path(path).expanduser().read_text(encoding="utf-8-sig").strip()
    except (
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # ValueError: not UTF-8, or a NUL in the path; RuntimeError: no such ~user
        why = error.strerror if isinstance(error, OSError) else "not a text file"
        itself = f"it holds a path, and the secret itself goes into {name.removesuffix('_FILE')}"
        problems.append(f"{name} names a file that cannot be read: {repr(path) if _PATH.fullmatch(path) else itself} ({why})")
        return ""
    if not secret:
        problems.append(f"{name} names an empty file: {path!r}")
    if _is_quoted(secret):
        problems.append(f"{name} names a file with quotes around the secret: leave them out")
    return secret


def _is_quoted(value: str) -> bool:
    """Whether quotes came along that a shell would have taken away."""
    return len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"


def _sentence(detail: Mapping[str, Any], given: Mapping[str, tuple[str, str]]) -> str:
    if not detail["loc"]:
        return str(detail["msg"])
    field = str(detail["loc"][0])
    name = "PORT" if given.get(field, ("", ""))[1] == "environment (PORT)" else name_of(field)
    if detail["type"] == "setting":
        return f"{name} {detail['msg']}"
    text = str(detail["msg"]).removeprefix("Input ")
    return f"{name} {text}" + ("" if name in SECRET_SETTINGS else f" (it is {str(detail['input'])[:100]!r})")
