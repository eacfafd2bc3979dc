"""The everyday calls with openapi-python-client."""

import sys
from http import HTTPStatus

from taskwell_client import AuthenticatedClient, Client
from taskwell_client.api.sign_in import make_token, register
from taskwell_client.api.tasks import change_task, create_task, delete_task, list_tasks, read_task, replace_task
from taskwell_client.models import (
    AccessToken,
    ErrorCode,
    ErrorEnvelope,
    NewAccount,
    NewTask,
    TaskChanges,
    TaskPage,
    TaskView,
    TokenRequest,
    UserView,
    WholeTask,
)
from taskwell_client.types import UNSET


def everyday(base_url: str, email: str, password: str) -> None:
    anonymous = Client(base_url=base_url)
    registered = register.sync(client=anonymous, body=NewAccount(email=email, password=password))
    assert isinstance(registered, UserView)
    signed_in = make_token.sync(client=anonymous, body=TokenRequest(username=email, password=password))
    assert isinstance(signed_in, AccessToken)
    client = AuthenticatedClient(base_url=base_url, token=signed_in.access_token)

    for title in ("a", "b", "c"):
        created = create_task.sync(client=client, body=NewTask(title=title))
        assert isinstance(created, TaskView)
        assert not created.is_completed
    tasks: list[TaskView] = []
    cursor: str | None = None
    while True:
        page = list_tasks.sync(client=client, limit=2, completed=False, cursor=UNSET if cursor is None else cursor)
        assert isinstance(page, TaskPage)
        tasks += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [task.title for task in tasks] == ["c", "b", "a"]

    read = read_task.sync_detailed(tasks[0].id, client=client)
    assert isinstance(read.parsed, TaskView)
    body = WholeTask.from_dict(read.parsed.to_dict() | {"is_completed": True})
    whole = replace_task.sync(read.parsed.id, client=client, body=body)
    assert isinstance(whole, TaskView)
    assert whole.is_completed
    patched = change_task.sync(whole.id, client=client, body=TaskChanges(title="C"))
    assert isinstance(patched, TaskView)
    assert patched.title == "C"
    stale = change_task.sync_detailed(whole.id, client=client, body=TaskChanges(title="x"), if_match=read.headers["ETag"])
    assert stale.status_code == HTTPStatus.PRECONDITION_FAILED
    assert isinstance(stale.parsed, ErrorEnvelope)
    assert stale.parsed.error.code == ErrorCode.TASK_CHANGED
    assert isinstance(stale.parsed.error.details.current, TaskView)
    assert stale.parsed.error.details.current.title == "C"
    deleted = delete_task.sync_detailed(whole.id, client=client)
    assert deleted.status_code == HTTPStatus.NO_CONTENT
    gone = read_task.sync(whole.id, client=client)
    assert isinstance(gone, ErrorEnvelope)
    assert gone.error.code == ErrorCode.TASK_NOT_FOUND


everyday(*sys.argv[1:])
print("all of it")
