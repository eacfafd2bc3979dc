"""`taskwell purge`."""

from taskwell.cli.database import DataDir, existing_database, with_database
from taskwell.tasks.trash.purge import purge_trash


def purge(data_dir: DataDir = None) -> None:
    """Remove for good what all users have deleted more than TASKWELL_TRASH_DAYS ago. A server may run meanwhile."""
    settings = existing_database(data_dir)
    purged = with_database(settings, purge_trash)
    what = "record is" if purged == 1 else "records are"
    print(f"{purged} {what} gone that were deleted more than {settings.trash_days} days ago.")
