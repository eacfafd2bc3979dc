"""Our own tag counts as ours with what a proxy that compresses makes of it; nobody else's ever does."""

import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.tags import decorated, of_another_epoch, of_revision

TASKS = "/api/v1/tasks"
FORMS = range(len(decorated('"x"')))


@pytest.mark.parametrize("form", FORMS, ids=[tag.replace('"', "'") for tag in decorated('"x"')])
def test_a_decorated_tag_is_ours_on_reads_and_writes(alice: Person, form: int) -> None:
    task = alice.creates()
    path = f"{TASKS}/{task['id']}"
    for address in (path, TASKS):
        tag = decorated(alice.get(address).headers["etag"])[form]
        for sent in (tag, f'"x", {tag}', f'{tag},"y"'):
            assert alice.get(address, headers={"If-None-Match": sent}).status_code == 304
            assert alice.head(address, headers={"If-None-Match": sent}).status_code == 304
    for number, (method, body) in enumerate([("PATCH", {"title": "a"}), ("PUT", {"title": "b"}), ("DELETE", None)], start=1):
        now = decorated(of_revision(task["etag"], number))[form]
        stale = decorated(of_revision(task["etag"], number - 1))[form]
        assert_error(alice.request(method, path, json=body, headers={"If-Match": stale}), 412, "task_changed")
        answer = alice.request(method, path, json=body, headers={"If-Match": f'{stale}, {now}, W/"x"'})
        assert answer.status_code == (204 if method == "DELETE" else 200)


def test_what_only_looks_decorated_is_nobodys(alice: Person) -> None:
    path = f"{TASKS}/{alice.creates()['id']}"
    tag = alice.get(path).headers["etag"]
    ends = [
        "-",
        "--",
        "gzip",
        "-gzi",
        "-gzipx",
        "-gzip-",
        "---gzip",
        "-GZIP",
        "-gzip,br",
        "-1",
        "-gzip1",
        ";",
        ":br:",
        "-identity0",
    ]
    strange = [f'{tag[:-1]}{end}"' for end in ends] + decorated(of_another_epoch(tag)) + decorated(of_revision(tag, 99))
    for sent in strange:
        assert alice.get(path, headers={"If-None-Match": sent}).status_code == 200, sent
        assert alice.get(TASKS, headers={"If-None-Match": sent}).status_code == 200, sent
        assert_error(alice.patch(path, json={"title": "x"}, headers={"If-Match": sent}), 412, "task_changed")


def test_a_page_is_not_sent_again_to_whom_a_proxy_has_sent_it_compressed(alice: Person) -> None:
    for page in ("/", "/docs", "/openapi.json"):
        tag = alice.get(page).headers["etag"]
        for sent in decorated(tag):
            assert alice.get(page, headers={"If-None-Match": sent}).status_code == 304
        assert alice.get(page, headers={"If-None-Match": '"x-gzip"'}).status_code == 200
