"""`python -m tests.box.confined UNIT PROGRAM [ARGUMENT ...]`: the program, with no system calls but those of a systemd unit.

By libseccomp, as systemd does it. What else a unit forbids is not imitated.
"""

import ctypes
import os
import subprocess
import sys
from errno import EPERM
from pathlib import Path

_ALLOW = 0x7FFF0000  # SCMP_ACT_ALLOW
_REFUSE = 0x00050000 | EPERM  # SCMP_ACT_ERRNO(EPERM)


def members(of: str) -> set[str]:
    """The system calls of a set of systemd's (`@resources`), or the one that is named."""
    if not of.startswith("@"):
        return {of}
    done = subprocess.run(["systemd-analyze", "syscall-filter", of], capture_output=True, text=True, check=True)
    words = [line.strip() for line in done.stdout.splitlines()[1:]]
    return set().union(*(members(word) for word in words if word and not word.startswith("#")))


def allowed_by(unit: str) -> set[str]:
    """The lines of SystemCallFilter in their order: the first one says what is allowed, a `~` takes away from it."""
    allowed = members("@default")
    for line in unit.splitlines():
        name, _, value = line.partition("=")
        if name == "SystemCallFilter":
            named = set().union(*(members(word) for word in value.removeprefix("~").split()))
            allowed = allowed - named if value.startswith("~") else allowed | named
    return allowed


def confine(names: set[str]) -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_REFUSE)))
    for name in sorted(names):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # some are other machines'
            assert library.seccomp_rule_add(rules, ctypes.c_uint32(_ALLOW), number, 0) == 0, name
    assert library.seccomp_load(rules) == 0


if __name__ == "__main__":
    confine(allowed_by(Path(sys.argv[1]).read_text(encoding="utf-8")))
    os.execv(sys.argv[2], sys.argv[2:])
