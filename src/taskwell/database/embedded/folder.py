"""The data folder's lock, and the note in it that says where the socket is."""

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR, S_ISSOCK
from urllib.parse import quote

from taskwell.errors import CannotStart

SOCKET_PORT = "5432"
"""Only a part of the socket's name."""

# These descriptors are closed when this process ends, which others wait for. A forked child inherits them, such as granian's
# workers where multiprocessing forks, and would keep PostgreSQL and the lock alive after the end of this process.
_ours_alone: set[int] = set()


def _close_in_fork() -> None:
    while _ours_alone:
        os.close(_ours_alone.pop())


os.register_at_fork(after_in_child=_close_in_fork)


def keep_from_forks(descriptor: int) -> int:
    _ours_alone.add(descriptor)
    return descriptor


def close(descriptor: int) -> None:
    _ours_alone.discard(descriptor)
    os.close(descriptor)


class Lock:
    """The lock is held for as long as this process lives, or until `release`."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "postgresql.lock"
        self._data_dir = data_dir
        self._folder = _identity(data_dir)
        self._descriptor = self._take()

    def release(self) -> None:
        close(self._descriptor)

    @property
    def is_in_place(self) -> bool:
        """Whether the data folder is still found by its name. A folder that was moved is still locked."""
        try:
            return _identity(self._data_dir) == self._folder
        except FileNotFoundError:
            return False

    def keep(self, socket: "SocketFolder") -> None:
        """Lock the file anew when it was deleted: the next Taskwell would lock a new one, and end our PostgreSQL as an orphan."""
        if self.is_in_place and not self.path.exists():
            descriptor = self._take()
            close(self._descriptor)
            self._descriptor = descriptor
            self.note(socket.path)

    def note(self, socket: Path) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, os.fsencode(socket), 0)

    def noted(self) -> Path | None:
        return _noted(self._descriptor, self._data_dir)

    def _take(self) -> int:
        lock = keep_from_forks(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        for patience in (0.1, 0.4, 0.0):  # `running_url` of another process holds it for a moment
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            time.sleep(patience)
        close(lock)
        raise CannotStart(f"another Taskwell runs on the data folder {self._data_dir}: stop it, or choose another folder")


class SocketFolder:
    """A new folder of mode 0700. The path of a socket may have 107 bytes (103 on macOS), so it cannot be in the data folder."""

    def __init__(self, data_dir: Path, uid: int) -> None:
        short = "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None  # noqa: S108  mkdtemp is safe there; $TMPDIR can be long
        self.path = Path(tempfile.mkdtemp(prefix=_prefix(data_dir), dir=short))
        self._uid = uid
        os.chown(self.path, uid, -1)
        self._descriptor = self._guarded()

    @property
    def is_there(self) -> bool:
        try:
            return S_ISSOCK((self.path / f".s.PGSQL.{SOCKET_PORT}").lstat().st_mode)
        except OSError:
            return False

    def make_again(self) -> None:
        """Make the folder if it is gone. In /tmp another user may have made a folder of this name before."""
        with suppress(FileExistsError):
            self.path.mkdir(mode=0o700)
            os.chown(self.path, self._uid, -1)
        if not self._is_ours():
            raise CannotStart(f"somebody else has made {self.path}, where the socket of PostgreSQL was")
        close(self._descriptor)
        self._descriptor = self._guarded()

    def remove(self) -> None:
        close(self._descriptor)
        if self._is_ours():
            shutil.rmtree(self.path, ignore_errors=True)

    def _is_ours(self) -> bool:
        try:
            there = self.path.lstat()
        except OSError:
            return False
        return S_ISDIR(there.st_mode) and there.st_uid == self._uid and not there.st_mode & 0o077

    def _guarded(self) -> int:
        """Lock the folder, which tells systemd-tmpfiles that its contents are in use, however old they are."""
        folder = keep_from_forks(os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW))
        fcntl.flock(folder, fcntl.LOCK_SH)
        return folder


def running_url(data_dir: Path) -> str | None:
    """The URL of the PostgreSQL that another process runs on this data folder, or None."""
    try:
        lock = os.open(data_dir / "postgresql.lock", os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        socket = _noted(lock, data_dir)
        return socket_url(socket) if socket else None
    else:
        return None
    finally:
        os.close(lock)


def socket_url(folder: Path) -> str:
    # PostgreSQL asks for no password. Without one, asyncpg would look for it in ~/.pgpass, and fail if that is not UTF-8.
    return f"postgresql://taskwell:unused@/taskwell?host={quote(str(folder), safe='')}&port={SOCKET_PORT}"


def remove_left_behind(lock: Lock, uids: set[int]) -> None:
    """Remove the socket folder of a Taskwell that was killed together with its watcher."""
    last = lock.noted()
    with suppress(OSError):
        if last is not None and last.lstat().st_uid in uids:
            shutil.rmtree(last, ignore_errors=True)


def _noted(lock: int, data_dir: Path) -> Path | None:
    """The socket folder in the lock's note. A copy of a data folder holds the note of the original, which is not believed."""
    socket = Path(os.fsdecode(os.pread(lock, 4096, 0)))
    return socket if socket.is_absolute() and socket.name.startswith(_prefix(data_dir)) else None


def _prefix(data_dir: Path) -> str:
    return f"taskwell-{_identity(data_dir)}-"


def _identity(folder: Path) -> str:
    there = folder.stat()
    return f"{there.st_dev:x}-{there.st_ino:x}"
