"""What the tests of labels share."""

from typing import Any

import pytest

from tests.support import postgres
from tests.support.cast import Person

LABELS = "/api/v1/labels"
LABEL_MOUNTS = (LABELS, "/api/v1/users/{user}/labels")

at_every_label_mount = pytest.mark.parametrize("mount", LABEL_MOUNTS)


def label_of(who: Person, name: str) -> dict[str, Any]:
    """As a page shows it."""
    (label,) = [one for one in who.labels() if one["name"] == name]
    return label


def labels_of(database_url: str, who: Person) -> dict[str, int]:
    """The names of those that are not deleted, and their revisions."""
    rows = postgres.query(database_url, "SELECT name, revision FROM labels WHERE user_id = $1 AND deleted_at IS NULL", who.id)
    return {row["name"]: row["revision"] for row in rows}


def fill_labels(database_url: str, who: Person, number: int) -> None:
    """Straight into the table, since as many requests take long."""
    postgres.query(
        database_url,
        "INSERT INTO labels (user_id, id, name, key, folded, created_at, updated_at, revision)"
        " SELECT $1, gen_random_uuid(), 'label ' || n, 'label ' || n, '', now(), now(), 1 FROM generate_series(1, $2::int) n",
        who.id,
        number,
    )
