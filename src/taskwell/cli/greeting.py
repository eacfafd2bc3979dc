"""What `taskwell serve` says when it serves, and when it has stopped."""

import json
import os
import shlex
import socket
from contextlib import suppress

from taskwell import __version__
from taskwell.cli.called import as_called
from taskwell.cli.standard_streams import print_or_lose
from taskwell.log import json_line
from taskwell.observability import says_json
from taskwell.settings import Settings


def greet(settings: Settings, address: str) -> None:
    """Say on standard output, and to a service manager that waits for it, that a server listens on `address`."""
    _tell_service_manager()
    if says_json():
        database = "private" if settings.database_url is None else "own"
        fields = {"version": __version__, "address": _url(settings, address), "listens_on": address, "port": settings.port}
        fields |= {
            "workers": settings.worker_count,
            "database": database,
            "auth": settings.auth,
            "try": _commands(settings, address),
        }
        print_or_lose(json_line("info", "started", **fields))
    else:
        print_or_lose(_greeting(settings, address))


def _tell_service_manager() -> None:
    """The word of sd_notify(3) that `Type=notify` waits for. Without it `systemctl restart` is done before the server listens."""
    name = os.environ.get("NOTIFY_SOCKET", "")
    if name.startswith("@"):  # a name that is in no folder
        name = f"\0{name[1:]}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(b"READY=1", name)


def say_stopped(reason: str) -> None:
    fields = {"version": __version__, "reason": reason}
    print_or_lose(json_line("info", "stopped", **fields) if says_json() else f"Taskwell has stopped ({reason}).")


def _url(settings: Settings, address: str) -> str:
    """The address by which a browser on this machine reaches what listens on `address`."""
    host = reached_at(address)[0]
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}{settings.root_path}"


def reached_at(address: str) -> list[str]:
    """The addresses by which this machine reaches what listens on `address`, of which one may be switched off."""
    every = {"0.0.0.0": ["127.0.0.1"], "::": ["::1", "127.0.0.1"]}  # noqa: S104  # compared, not bound
    return every.get(address, [address])


def _greeting(settings: Settings, address: str) -> str:
    url = _url(settings, address)
    where = "your own database, by DATABASE_URL" if settings.database_url is not None else str(settings.data_dir)
    lines = [
        "",
        f"Taskwell serves at    {url}",
        f"The API page is at    {url}/docs",
        f"The data is in        {where}",
    ]
    if address not in reached_at(address):
        lines.append(f"It is open to         every network of this machine ({address})")
    lines += ["", as_called(_who(settings)), "", *(f"  {command}" for command in _commands(settings, address)), ""]
    return "\n".join(lines)


def _who(settings: Settings) -> str:
    if settings.auth == "none":
        who = "your gateway lets in" if settings.auth_none_behind_gateway else "can reach this machine's own address"
        return f"THERE IS NO SIGN-IN (TASKWELL_AUTH=none): whoever {who} is whom they say they are."
    if settings.registration == "open":
        return "Sign up, and add your first task:"
    # One that was given may be so for this command alone.
    option = f" --data-dir {shlex.quote(str(settings.data_dir))}" if "data_dir" in settings.model_fields_set else ""
    add = f"`taskwell users add me@example.com{'' if settings.database_url is not None else option}`"
    if settings.issuers:
        names = ", ".join(issuer.name for issuer in settings.issuers)
        return f"Nobody can sign up here. With a token of {names}, or an account by {add}:"
    return f"Nobody can sign up. {add} makes an account, which adds its first task:"


def _commands(settings: Settings, address: str) -> list[str]:
    url = _url(settings, address)
    add = f"curl {url}/api/v1/tasks --json '{json.dumps({'title': 'Buy milk'})}'"
    if settings.auth == "none":
        return [add]
    if settings.registration == "closed" and settings.issuers:
        return [f'{add} -H "Authorization: Bearer $TOKEN"']
    sign_up = json.dumps({"email": "me@example.com", "password": "correct horse battery"})
    signed_in = (
        f'{add} -H "Authorization: Bearer $(curl -s {url}/api/v1/auth/token \\\n'
        "    -d username=me@example.com --data-urlencode 'password=correct horse battery' | cut -d '\"' -f 4)\""
    )
    return [f"curl {url}/api/v1/auth/register --json '{sign_up}'", signed_in] if settings.registration == "open" else [signed_in]
