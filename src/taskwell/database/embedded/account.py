"""Chooses the user that PostgreSQL runs as: the user of this process, unless that is root, which PostgreSQL refuses.

Under root it runs as a user of its own, because another process of the same user could reach into it through /proc. PostgreSQL
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
"""Of the range that systemd's list of users and groups leaves unused (60578 to 61183), and below 65536 for containers."""


@dataclass(frozen=True)
class Account:
    uid: int
    prefix: tuple[str, ...] = ()
    """The words before a command that make it run as that user."""

    maker_uid: int = -1
    maker_prefix: tuple[str, ...] = ()
    """The same for making a cluster. That needs a user with a name, and no server runs as this one."""

    former_uids: frozenset[int] = frozenset()
    """The clusters of these users are taken over: a former version made them, or root copied or unpacked them."""

    @property
    def is_borrowed(self) -> bool:
        """Whether this process is root, and PostgreSQL runs as another user."""
        return self.prefix != ()

    def check_name(self) -> None:
        """Raises CannotStart where whoever would make a cluster has no name, which initdb insists on."""
        try:
            pwd.getpwuid(self.maker_uid)
        except KeyError:
            raise CannotStart(
                f"the uid {self.maker_uid} has no name, and PostgreSQL makes a database for none without: "
                "set DATABASE_URL, or add the uid to /etc/passwd"
            ) from None

    def address(self, cluster: Path) -> str:
        """The path by which PostgreSQL, started in the folder of the cluster, reaches it."""
        return "/proc/self/cwd" if self.is_borrowed else str(cluster)


def account() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), maker_uid=os.geteuid())
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise CannotStart("PostgreSQL refuses to be root, and there is no setpriv (util-linux): start as another user")
    try:
        nobody = pwd.getpwnam("nobody")  # initdb insists on a user with a name
    except KeyError:
        raise CannotStart("PostgreSQL refuses to be root, and there is no user nobody: start as another user") from None
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
    """Raises CannotStart if this process is root and the program is in a private folder, such as an environment in /root."""
    # Not by running it: setpriv still has root's capabilities when it starts a program, and PostgreSQL then misses itself.
    words = [*who.prefix, "/bin/sh", "-c", 'test -x "$1"', "sh", postgres]
    if who.is_borrowed and subprocess.run(words, cwd="/", check=False).returncode != 0:  # noqa: S603
        raise CannotStart(
            f"PostgreSQL refuses to be root, and the user {who.uid} that it would be cannot reach {postgres}: "
            "install Taskwell where every user can read it, or start it as another user"
        )


def give(folder: Path, uid: int) -> None:
    """Give a folder and its contents to a user whose group has the same number, where it is not theirs already."""
    for inside, _, files in os.walk(folder):
        for path in (Path(inside), *(Path(inside, name) for name in files)):
            if path.lstat().st_uid != uid:
                os.chown(path, uid, uid, follow_symlinks=False)
