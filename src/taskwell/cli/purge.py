"""`taskwell purge`."""

from taskwell.cli.database import DataDir, existing_database, with_database
from taskwell.tasks.trash.purge import purge_all_users


def purge(data_dir: DataDir = None) -> None:
    """Remove for good what all users have deleted more than TASKWELL_TRASH_DAYS ago, and answers kept for idempotency keys.

    A server may run meanwhile."""
    settings = existing_database(data_dir)
    records, answers = with_database(settings, purge_all_users)
    what = "record is" if records == 1 else "records are"
    print(f"{records} {what} gone that were deleted more than {settings.trash_days} days ago.")
    what = "answer is" if answers == 1 else "answers are"
    print(f"{answers} {what} gone that were kept for idempotency keys of more than a day ago.")
