"""What it means when a constraint of the schema fails: an error of the domain, by the constraint's name.

Nearly all that could fail one is refused before it gets here. What is left is what only the database can decide, between two
requests at the same moment.
"""

from collections.abc import Callable
from typing import Final

from taskwell.errors import AccountUnusable, EmailTaken, InvalidInput, LabelNameTaken, TaskwellError

MEANING: Final[dict[str, Callable[[], TaskwellError]]] = {
    "users_email_key": EmailTaken,
    # The account was deleted after the statement had found it.
    "api_tokens_user_id_fkey": AccountUnusable,
    "labels_key_idx": LabelNameTaken,
    "labels_user_id_fkey": AccountUnusable,
    "labels_name_check": lambda: InvalidInput.of("name", "not_storable", "cannot be stored"),
    "lists_user_id_fkey": AccountUnusable,
    "lists_name_check": lambda: InvalidInput.of("name", "not_storable", "cannot be stored"),
    "sessions_user_id_fkey": AccountUnusable,
    "tasks_user_id_fkey": AccountUnusable,
    "tasks_title_check": lambda: InvalidInput.of("title", "not_storable", "cannot be stored"),
}

UNREACHABLE: Final[dict[str, str]] = {
    "api_tokens_hash_key": "the hash of 256 random bits",
    "api_tokens_pkey": "an id of ours, of which 74 bits are random",
    "departures_pkey": "the insert says what happens where the row is already",
    "departures_user_id_list_id_fkey": "a row of lists stays when it is deleted, and goes with its user alone, who is locked",
    "departures_user_id_task_id_fkey": "it is written by the statement that has locked the task",
    "failed_sign_ins_pkey": "the insert says what happens where the row is already",
    "idempotency_keys_pkey": "the insert says what happens where the row is already",
    "idempotency_keys_user_id_fkey": "it is written by a statement that has locked the user",
    "instance_pkey": "written by a migration alone",
    "labels_pkey": "an id of ours, of which 74 bits are random; or the insert says what happens where the row is already",
    "labels_revision_check": "a revision is a user's, and one more",
    "lists_pkey": "the insert says what happens where the row is already",
    "lists_revision_check": "a revision is a user's, and one more",
    "occurrences_pkey": "the insert says what happens where the row is already",
    "occurrences_user_id_task_id_fkey": "it is written by the statement that has locked the task",
    "sessions_pkey": "an id of ours, of which 74 bits are random",
    "sign_ups_pkey": "the insert says what happens where the row is already",
    "signing_keys_pkey": "a random name; or the insert says what happens where the row is already",
    "tasks_completed_at_check": "both columns are written from the same value",
    "tasks_description_check": "the type of the column refuses what is longer, and first",
    "tasks_pkey": "the insert says what happens where the row is already",
    "tasks_priority_check": "a request names one of these five, or is refused",
    "tasks_revision_check": "a revision is a user's, and one more",
    "tasks_user_id_list_id_fkey": "it is written by a statement that has locked the list",
    "tasks_user_id_parent_id_fkey": "it is written by a statement that has locked the parent",
    "users_pkey": "an id of ours, of which 74 bits are random; or the insert says what happens where the row is already",
    "users_revision_check": "a revision is only ever raised",
}
"""The constraints that no request can fail, and why."""


def meaning(constraint: str | None) -> TaskwellError | None:
    """None: it is not one of ours that a request can fail. An operator can put others on our tables."""
    make = MEANING.get(constraint or "")
    return None if make is None else make()
