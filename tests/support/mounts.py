"""One resource, four addresses: the signed-in user's, the same by the owner's name, and the aliases of the older plans."""

from uuid import UUID

import pytest

MOUNTS = ("/api/v1/tasks", "/api/v1/users/{user}/tasks", "/api/tasks", "/users/{user}/tasks")
NAMED_MOUNTS = tuple(mount for mount in MOUNTS if "{user}" in mount)

at_every_mount = pytest.mark.parametrize("mount", MOUNTS)
at_named_mounts = pytest.mark.parametrize("mount", NAMED_MOUNTS)


def tasks_of(mount: str, user: UUID) -> str:
    return mount.format(user=user)
