"""A command on a copy of the data folder of a running server."""

from pathlib import Path

import pytest

from taskwell.database.embedded import running_url
from tests.cli.command import Visitor, serving, taskwell
from tests.faults.test_embedded_copies import Copy, by_cp, by_tar


@pytest.mark.parametrize("copied", [by_cp, by_tar])
def test_it_leaves_the_server_alone_and_changes_the_copy(home: Path, tmp_path: Path, copied: Copy) -> None:
    with serving(home) as server, Visitor(server.url) as me:
        me.signs_up()
        me.signs_in()
        copied(home / "data", tmp_path / "copy")
        url = running_url(home / "data")
        done = taskwell("users", "disable", me.email, cwd=tmp_path, TASKWELL_DATA_DIR=str(tmp_path / "copy"))
        assert done.returncode == 0, done.stderr
        assert running_url(home / "data") == url
        me.adds("x")  # whose account is disabled in the copy alone
        assert server.complained == ""
