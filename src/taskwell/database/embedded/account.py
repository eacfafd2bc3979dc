"""Whom PostgreSQL runs as. It refuses to be root; anybody else runs it as themselves.

Under root it runs as a user that nothing else on the machine is: a process of the same user could reach into it through /proc. It
keeps no capability, so it must not need one to reach its files below private folders such as /root: it starts in the cluster and
calls it /proc/self/cwd.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from taskwell.errors import CannotStart

POSTGRES_UID = 60843
"""In the range that systemd's list of users and groups leaves to nobody (60578 to 61183), and below 65536 for containers."""


@dataclass(frozen=True)
class Account:
    uid: int
    prefix: tuple[str, ...] = ()
    """The words before a command that make it run as that user."""

    maker_uid: int = -1
    maker_prefix: tuple[str, ...] = ()
    """Likewise for making a cluster, which needs a user with a name, and serves nobody."""

    former_uids: frozenset[int] = frozenset()
    """Whose clusters are taken over: a former version's, or files that root copied or unpacked."""

    @property
    def is_borrowed(self) -> bool:
        """Whether we are root, and PostgreSQL is somebody else."""
        return self.prefix != ()

    def address(self, cluster: Path) -> str:
        """What PostgreSQL, started in this folder, calls it."""
        return "/proc/self/cwd" if self.is_borrowed else str(cluster)


def account() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), maker_uid=os.geteuid())
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise CannotStart("PostgreSQL refuses to be root, and there is no setpriv (util-linux): start as another user")
    nobody = pwd.getpwnam("nobody")  # initdb insists on a user with a name
    # Of the capabilities that pass private folders this is the one that root has in a container. It also keeps other processes
    # of nobody from reaching into these through /proc.
    capability = "--inh-caps=+dac_override", "--ambient-caps=+dac_override"
    return Account(
        POSTGRES_UID,
        (setpriv, f"--reuid={POSTGRES_UID}", f"--regid={POSTGRES_UID}", "--clear-groups", "--inh-caps=-all", "--nnp", "--"),
        nobody.pw_uid,
        (setpriv, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", *capability, "--"),
        frozenset({0, nobody.pw_uid}),
    )


def check_reach(who: Account, postgres: str) -> None:
    """Raises CannotStart if the program is below a private folder, as an environment in /root is, and we are root."""
    # Not by running it: setpriv still has root's capabilities when it starts a program, and PostgreSQL then misses itself.
    words = [*who.prefix, "/bin/sh", "-c", 'test -x "$1"', "sh", postgres]
    if who.is_borrowed and subprocess.run(words, cwd="/", check=False).returncode != 0:  # noqa: S603
        raise CannotStart(
            f"PostgreSQL refuses to be root, and the user {who.uid} that it would be cannot reach {postgres}: "
            "install Taskwell where every user can read it, or start it as another user"
        )


def give(folder: Path, uid: int) -> None:
    """A folder and what is in it, as far as it is not theirs, to a user whose group has the same number."""
    for inside, _, files in os.walk(folder):
        for path in (Path(inside), *(Path(inside, name) for name in files)):
            if path.lstat().st_uid != uid:
                os.chown(path, uid, uid, follow_symlinks=False)
