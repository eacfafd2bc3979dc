"""Where `taskwell serve` listens: an address or a name of this machine, and the port that a platform asks for."""

import os
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.cli.command import PROGRAM, environment, free_port, refusal, serving, taskwell


@pytest.mark.parametrize(("host", "url"), [("localhost", "http://127.0.0.1"), ("::1", "http://[::1]")])
def test_a_name_and_an_address_of_this_machine_are_listened_on(tmp_path: Path, own_database: str, host: str, url: str) -> None:
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    port = free_port()
    with serving(
        tmp_path, "--host", host, "--workers", "1", port=port, reached_at=url, DATABASE_URL=own_database, PORT="1"
    ) as server:
        assert f"serves at    {url}:{port}\n" in server.said
        assert httpx.get(f"{url}:{port}/readyz", trust_env=False).status_code == 200
        assert server.complained.startswith("taskwell: PORT is set, as hosting platforms do, and nobody but this machine reaches")
        assert "TASKWELL_HOST=0.0.0.0" in server.complained


@pytest.mark.parametrize("form", ["{folder}/notify", "@{folder}/notify"], ids=["a path", "an abstract name"])
def test_a_service_manager_is_told_once_it_listens(tmp_path: Path, own_database: str, form: str) -> None:
    name = form.format(folder=tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0"))
        manager.settimeout(30)
        with serving(tmp_path, DATABASE_URL=own_database, TASKWELL_WORKERS="1", NOTIFY_SOCKET=name) as server:
            assert manager.recv(100) == b"READY=1"
            assert server.complained == ""


def test_a_service_manager_that_is_gone_is_no_harm(tmp_path: Path, own_database: str) -> None:
    with serving(tmp_path, DATABASE_URL=own_database, NOTIFY_SOCKET=str(tmp_path / "gone")) as server:
        assert (server.said.count("serves at"), server.complained) == (1, "")


def test_where_ipv6_is_switched_off_all_addresses_are_those_that_are_left(tmp_path: Path, own_database: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can switch it off, in a network of its own")
    port = free_port()
    alone = "ip link set lo up && sysctl --quiet --write net.ipv6.conf.all.disable_ipv6=1 && exec "
    command = ["unshare", "--net", "sh", "-c", f'{alone} "$0" serve --host :: --workers 1', PROGRAM]
    settings = environment(DATABASE_URL=own_database, TASKWELL_PORT=str(port))
    with subprocess.Popen(command, cwd=tmp_path, env=settings, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = next(line for line in server.stdout if line.strip())
        server.terminate()
        assert (said, server.wait(30)) == (f"Taskwell serves at    http://[::1]:{port}\n", 0)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("no-such-host.invalid", "cannot listen on no-such-host.invalid: the name leads to no address ("),
        ("a..b", "cannot listen on a..b: the name leads to no address ("),
        ("fe80::1", "(Invalid argument): a link-local address is none to listen on; 127.0.0.1 is"),
        ("255.255.255.255", "(Cannot assign requested address): it is not an address of this machine; 127.0.0.1 is"),
        ("224.0.0.1", "(Cannot assign requested address): it is not an address of this machine; 127.0.0.1 is"),
        ("192.0.2.7", "(Cannot assign requested address): it is not an address of this machine; 127.0.0.1 is"),
    ],
)
def test_what_cannot_be_listened_on_is_one_line(tmp_path: Path, host: str, says: str) -> None:
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    data = {"TASKWELL_DATA_DIR": str(tmp_path / "data")}
    assert says in refusal(taskwell("serve", "--host", host, cwd=tmp_path, **data))
    assert not (tmp_path / "data").exists()


def test_from_a_folder_that_is_gone_nothing_is_served(tmp_path: Path) -> None:
    line = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" serve --data-dir "$1"'
    words = ("/bin/sh", "-c", line, PROGRAM, str(tmp_path / "data"))
    done = subprocess.run(words, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert refusal(done).startswith("the current folder is gone (No such file or directory): start from another one")
    assert not (tmp_path / "data").exists()


def test_a_port_of_the_platform_is_listened_on_for_everybody(tmp_path: Path, own_database: str) -> None:
    port = free_port()
    with serving(
        tmp_path, "--workers", "1", port=port, DATABASE_URL=own_database, TASKWELL_PORT=f"tcp://10.0.0.1:{port}", PORT=f"{port}",
        TASKWELL_HOST="0.0.0.0",
    ) as server:  # fmt: skip
        assert f"serves at    http://127.0.0.1:{port}\n" in server.said
        assert "every network of this machine (0.0.0.0)" in server.said
        assert server.complained == ""


def test_a_bad_port_of_the_platform_is_one_line(tmp_path: Path) -> None:
    assert refusal(taskwell("serve", cwd=tmp_path, PORT="eighty")).startswith("PORT must be a whole number in decimal digits")
