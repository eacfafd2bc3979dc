"""GET /tasks."""

from uuid import uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.mounts import at_every_mount, at_named_mounts, tasks_of
from tests.support.pages import titles
from tests.support.tags import never_given, of_another_epoch, of_revision, weak

TASKS = "/api/v1/tasks"


@at_every_mount
def test_it_lists_the_newest_first(alice: Person, mount: str) -> None:
    tasks = [alice.creates(title) for title in ("one", "two", "three")]
    page = alice.get(tasks_of(mount, alice.id))
    assert page.status_code == 200
    assert page.json() == {"items": tasks[::-1], "next_cursor": None}
    assert "link" not in page.headers
    assert page.headers["content-type"] == "application/json"
    assert page.headers["cache-control"] == "private, no-cache"


def test_it_lists_the_oldest_first_when_asked_to(alice: Person) -> None:
    for title in ("one", "two", "three"):
        alice.creates(title)
    assert titles(alice.get(f"{TASKS}?order=oldest")) == ["one", "two", "three"]
    assert titles(alice.get(f"{TASKS}?order=newest")) == ["three", "two", "one"]


@at_every_mount
def test_a_user_without_tasks_has_an_empty_list(alice: Person, mount: str) -> None:
    assert alice.get(tasks_of(mount, alice.id)).json() == {"items": [], "next_cursor": None}


def test_an_item_is_the_task_as_it_reads_alone(alice: Person) -> None:
    task = alice.creates('\U0001f9c0 \\ "quoted" \n', description="x", is_completed=True)
    (item,) = alice.get(TASKS).json()["items"]
    assert item == alice.get(f"{TASKS}/{task['id']}").json() == task
    assert item["revision"] == 1


def test_it_filters_by_completion(alice: Person) -> None:
    done, open_ = alice.creates("done", is_completed=True), alice.creates("open")
    assert alice.get(f"{TASKS}?completed=true").json()["items"] == [done]
    assert alice.get(f"{TASKS}?completed=false").json()["items"] == [open_]
    assert len(alice.sees()) == 2
    alice.patch(f"{TASKS}/{open_['id']}", json={"is_completed": True})
    assert titles(alice.get(f"{TASKS}?completed=true&order=oldest")) == ["done", "open"]
    assert titles(alice.get(f"{TASKS}?completed=false")) == []


def test_it_shows_what_was_changed_since(alice: Person) -> None:
    tasks = [alice.creates(title) for title in ("one", "two", "three")]
    changed = alice.patch(f"{TASKS}/{tasks[0]['id']}", json={"title": "changed"}).json()
    assert titles(alice.get(TASKS, params={"updated_since": tasks[1]["updated_at"], "order": "updated"})) == [
        "changed",
        "three",
        "two",
    ]
    first = alice.get(TASKS, params={"updated_since": changed["updated_at"], "limit": 1})
    assert first.json() == {"items": [changed], "next_cursor": None}
    # A plus that nobody has encoded is a blank in a query.
    for written in (changed["updated_at"], changed["updated_at"].replace("+00:00", "Z"), "2026-01-01T00:00:00+01:00"):
        assert "changed" in titles(alice.get(f"{TASKS}?updated_since={written}"))
    page = alice.get(f"{TASKS}?updated_since=2026-01-01T00:00:00%2B01:00&limit=1")
    assert titles(alice.get(page.links["next"]["url"])) == ["two"]


@pytest.mark.parametrize(
    "time", ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "1767225600", "9999-12-31T23:59:59-14:00", "%00"]
)
def test_a_time_that_is_none_is_refused(alice: Person, time: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?updated_since={time}")) == ["updated_since"]


@pytest.mark.parametrize("priority", ["", "High", "1", "high,low", "null"])
def test_a_priority_that_there_is_not_is_refused(alice: Person, priority: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?priority={priority}")) == ["priority"]


def test_it_orders_by_what_a_person_sees(alice: Person) -> None:
    made = [
        alice.creates(title, priority=priority)
        for title, priority in (("Äpfel", "low"), ("banana", "none"), ("apfelsaft", "urgent"))
    ]
    alice.patch(f"{TASKS}/{made[0]['id']}", json={"description": "x"})
    assert [task["title"] for task in alice.sees(order="title", limit=1)] == ["Äpfel", "apfelsaft", "banana"]
    assert [task["title"] for task in alice.sees(order="priority", limit=1)] == ["apfelsaft", "Äpfel", "banana"]
    assert [task["title"] for task in alice.sees(order="updated", limit=1)] == ["Äpfel", "apfelsaft", "banana"]
    assert [task["title"] for task in alice.sees(order="position", limit=1)] == ["Äpfel", "banana", "apfelsaft"]
    assert titles(alice.get(f"{TASKS}?priority=low")) == ["Äpfel"]


def test_the_longest_titles_have_cursors_too(alice: Person) -> None:
    for character in ("🧀", "ﷺ", "한", "x", "牛", "é"):
        alice.creates(character * 255)
    assert len(alice.sees(order="title", limit=1)) == 6


def test_head_gives_the_headers_of_get_and_no_body(alice: Person) -> None:
    alice.creates()
    head, get = alice.head(TASKS), alice.get(TASKS)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == str(len(get.content))


# ---- whose ---------------------------------------------------------------------------------------------------------


@at_every_mount
def test_nobody_lists_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    assert_error(anonymous.get(tasks_of(mount, alice.id)), 401, "token_missing")


@at_every_mount
def test_each_sees_their_own_alone(alice: Person, bob: Person, carol: Person, mount: str) -> None:
    task = alice.creates()
    assert alice.get(tasks_of(mount, alice.id)).json()["items"] == [task]
    for other in (bob, carol):
        assert other.get(tasks_of(mount, other.id)).json()["items"] == []


@at_named_mounts
def test_a_stranger_finds_no_such_user(alice: Person, bob: Person, mount: str) -> None:
    alice.creates()
    assert_error(bob.get(tasks_of(mount, alice.id)), 404, "user_not_found")
    assert_error(bob.get(tasks_of(mount, uuid4())), 404, "user_not_found")
    assert_error(
        bob.get(tasks_of(mount, alice.id), headers={"If-None-Match": alice.get(TASKS).headers["etag"]}), 404, "user_not_found"
    )


@at_named_mounts
def test_an_administrator_lists_anybodys(alice: Person, carol: Person, mount: str) -> None:
    tasks = [alice.creates() for _ in range(3)]
    first = carol.get(f"{tasks_of(mount, alice.id)}?limit=2")
    assert first.json()["items"] == tasks[:0:-1]
    assert carol.get(first.links["next"]["url"]).json()["items"] == tasks[:1]
    assert_error(carol.get(tasks_of(mount, uuid4())), 404, "user_not_found")


# ---- parameters ----------------------------------------------------------------------------------------------------


def test_a_page_holds_twenty_unless_asked_otherwise(alice: Person) -> None:
    for number in range(21):
        alice.creates(str(number))
    assert titles(alice.get(TASKS)) == [str(number) for number in range(20, 0, -1)]
    assert len(titles(alice.get(f"{TASKS}?limit=1"))) == 1
    assert len(titles(alice.get(f"{TASKS}?limit=100"))) == 21


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "abc", "", "1.5", "1e1", "0x10", "null", "true", "%00", "9223372036854775808", "1" + "0" * 400]
)
def test_a_limit_that_is_none_is_refused_and_never_clamped(alice: Person, limit: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?limit={limit}")) == ["limit"]


@pytest.mark.parametrize("completed", ["yes", "1", "0", "t", "on", "", "null", "true,false", "%00", "%20true", "%EF%BC%B4rue"])
def test_completed_is_true_or_false(alice: Person, completed: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?completed={completed}")) == ["completed"]


@pytest.mark.parametrize("order", ["", "Newest", "desc", "created_at", "rank", "newest;drop", "%00"])
def test_an_order_that_there_is_not_is_refused(alice: Person, order: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?order={order}")) == ["order"]


@pytest.mark.parametrize(
    "parameter", ["limit=1&limit=1", "limit=1&limit=2", "completed=true&completed=false", "order=newest&order=newest"]
)
def test_a_parameter_given_twice_is_refused(alice: Person, parameter: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?{parameter}")) == [parameter.partition("=")[0]]


@pytest.mark.parametrize("parameter", ["page", "offset", "user_id", "owner", "Limit", "limit ", "limit[]"])
def test_an_unknown_parameter_is_refused(alice: Person, bob: Person, parameter: str) -> None:
    assert invalid_fields(alice.get(TASKS, params={parameter: str(bob.id)})) == [parameter]


# ---- conditional requests ------------------------------------------------------------------------------------------


@at_every_mount
def test_a_client_that_has_it_already_is_told_so_in_no_words(alice: Person, mount: str) -> None:
    alice.creates()
    address = tasks_of(mount, alice.id)
    tag = alice.get(address).headers["etag"]
    for condition in (tag, weak(tag), f'"other", {tag}', f"{tag}, {of_another_epoch(tag)}"):
        answer = alice.get(address, headers={"If-None-Match": condition})
        assert (answer.status_code, answer.content) == (304, b""), condition
        assert answer.headers["etag"] == tag
        assert "link" not in answer.headers
    assert alice.head(address, headers={"If-None-Match": tag}).status_code == 304


def test_an_empty_list_has_a_tag_too(alice: Person) -> None:
    tag = alice.get(TASKS).headers["etag"]
    assert alice.get(TASKS, headers={"If-None-Match": tag}).status_code == 304


def test_any_of_several_tags_will_do(alice: Person) -> None:
    tag = alice.get(TASKS).headers["etag"]
    condition = f"{of_revision(tag, 7)}, {tag}"
    assert alice.get(TASKS, headers={"If-None-Match": condition}).status_code == 304


def test_a_star_means_whatever_there_is(alice: Person) -> None:
    """RFC 9110 13.1.2: the list is there, as a task is."""
    assert alice.get(TASKS, headers={"If-None-Match": "*"}).status_code == 304


def test_a_client_that_has_something_else_gets_the_list(alice: Person) -> None:
    task = alice.creates()
    tag = alice.get(TASKS).headers["etag"]
    other_task = alice.get(f"{TASKS}/{task['id']}").headers["etag"]
    assert other_task == tag  # one revision, one tag: each belongs to its own address
    for condition in ('"other"', '""', of_another_epoch(tag), of_revision(tag, 0), of_revision(tag, 2), of_revision(tag, 10**30)):
        assert titles(alice.get(TASKS, headers={"If-None-Match": condition})) == [task["title"]], condition


def test_a_tag_that_was_never_given_is_of_no_use(alice: Person) -> None:
    path = f"{TASKS}/{alice.creates()['id']}"
    for condition in never_given(alice.get(TASKS).headers["etag"]):
        for address in (TASKS, path):
            assert alice.get(address, headers={"If-None-Match": condition}).status_code == 200, condition


def test_the_tag_changes_with_every_write_and_with_nothing_else(alice: Person, bob: Person) -> None:
    tags = [alice.get(TASKS).headers["etag"]]

    def changes(answer: httpx.Response) -> None:
        assert answer.status_code < 300, answer.text
        tag = alice.get(TASKS).headers["etag"]
        assert tag not in tags
        assert alice.get(TASKS, headers={"If-None-Match": tags[-1]}).status_code == 200
        tags.append(tag)

    def stays(answer: httpx.Response) -> None:
        assert alice.get(TASKS, headers={"If-None-Match": tags[-1]}).status_code == 304, answer.text

    new = {"title": "x", "id": str(uuid4())}
    path = f"{TASKS}/{new['id']}"
    changes(alice.post(TASKS, json=new))
    stays(alice.post(TASKS, json=new))
    stays(alice.post(TASKS, json=new | {"title": "another"}))
    changes(alice.patch(path, json={"title": "y"}))
    stays(alice.patch(path, json={"title": "y"}))
    stays(alice.patch(path, json={}))
    stays(alice.patch(path, json={"title": ""}))
    stays(alice.patch(path, json={"title": "z"}, headers={"If-Match": '"stale"'}))
    changes(alice.put(path, json={"title": "z"}))
    stays(alice.put(path, json={"title": "z"}))
    stays(alice.put(path, json={"title": "w"}, headers={"If-None-Match": "*"}))
    stays(alice.delete(path, headers={"If-Match": '"stale"'}))
    stays(bob.post(TASKS, json=new))
    stays(bob.delete(path))
    changes(alice.delete(path))
    stays(alice.delete(path))
    changes(alice.put(path, json={"title": "back"}, headers={"If-None-Match": "*"}))


def test_each_filter_and_page_is_told_of_a_change(alice: Person) -> None:
    for _ in range(3):
        alice.creates()
    first = alice.get(f"{TASKS}?limit=1")
    for address in (f"{TASKS}?completed=true", f"{TASKS}?limit=1&order=oldest", first.links["next"]["url"]):
        tag = alice.get(address).headers["etag"]
        assert alice.get(address, headers={"If-None-Match": tag}).status_code == 304
        alice.creates(is_completed=True)
        assert alice.get(address, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("condition", ["", "abc", '"abc', 'w/"abc"', '"a" "b"', '*, "a"'])
def test_a_malformed_condition_is_refused(alice: Person, condition: str) -> None:
    assert invalid_fields(alice.get(TASKS, headers={"If-None-Match": condition})) == ["if-none-match"]


def test_a_malformed_cursor_is_refused_also_where_nothing_changed(alice: Person) -> None:
    tag = alice.get(TASKS).headers["etag"]
    assert invalid_fields(alice.get(f"{TASKS}?cursor=x", headers={"If-None-Match": tag})) == ["cursor"]
