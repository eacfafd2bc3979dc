"""GET /tasks?q=: words, beginnings of words, and parts of words where a script has no spaces."""

from uuid import UUID

import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import invalid_fields
from tests.support.pages import titles
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"


def found(who: Person, query: str, **more: object) -> list[str]:
    return [task["title"] for task in who.sees(q=query, **more)]


FINDS = {
    "a word": ("milk", "Buy milk"),
    "the beginning of a word": ("mil", "Buy milk"),
    "each word, in any order": ("milk b", "Buy milk"),
    "another case": ("MILK", "Buy milk"),
    "without the accent": ("cafe", "Au Café"),
    "with an accent": ("bùy", "Buy milk"),
    "behind punctuation": ("milk", "(milk)"),
    "with punctuation": ("milk, buy!", "Buy milk"),
    "a part of a Chinese word": ("京都", "去東京都"),
    "a part of a Thai word": ("นม", "ซื้อนมสด"),
    "the beginning of a Korean word": ("우유", "우유를 사다"),
    "an emoji": ("🎂", "🎂Anna"),
    "a word beside an emoji": ("anna", "🎂Anna"),
    "a word in a Chinese sentence": ("pack", "牛乳packを買う"),
    "of full width": ("ｍｉｌｋ", "Buy milk"),
    "what is sharp": ("strasse", "Straße"),
}
MISSES = {
    "the middle of a word": ("ilk", "Buy milk"),
    "one word of two": ("milk bread", "Buy milk"),
    "a word that is longer": ("milks", "Buy milk"),
    "two words that are one": ("ca fe", "Cafes"),
    "another emoji": ("🎁", "🎂Anna"),
}


@pytest.mark.parametrize(("query", "title"), FINDS.values(), ids=FINDS)
def test_it_finds(alice: Person, query: str, title: str) -> None:
    alice.creates("something else", description="without it")
    alice.creates(title)
    alice.creates("below", description=f"first line\n{title}")
    assert found(alice, query) == [title, "below"]


@pytest.mark.parametrize(("query", "title"), MISSES.values(), ids=MISSES)
def test_it_does_not_find(alice: Person, query: str, title: str) -> None:
    alice.creates(title)
    assert found(alice, query) == []


@pytest.mark.parametrize("query", ["%", "_", "\\", "%milk%", "m_lk", "m%k", "\\milk", "*", "mi?k", "!!!", "\u0301", "\u200b"])
def test_nothing_in_a_query_is_a_pattern(alice: Person, query: str) -> None:
    alice.creates("Buy milk")
    alice.creates("Buy m lk and k")
    answer = alice.get(TASKS, params={"q": query})
    if answer.status_code == 400:
        assert invalid_fields(answer) == ["q"]
    else:
        expected = {"%milk%": ["Buy milk"], "\\milk": ["Buy milk"], "m_lk": ["Buy m lk and k"], "m%k": ["Buy m lk and k"]}
        assert titles(answer) == expected.get(query, [])


@pytest.mark.parametrize("query", ["", "%20", "+", "%09"])
def test_an_empty_search_is_none(alice: Person, query: str) -> None:
    older, newer = alice.creates("older"), alice.creates("newer")
    assert alice.get(f"{TASKS}?q={query}").json()["items"] == [newer, older]


def test_a_query_has_a_length(alice: Person) -> None:
    assert titles(alice.get(TASKS, params={"q": "ж" * 200})) == []
    assert invalid_fields(alice.get(TASKS, params={"q": "x" * 201})) == ["q"]
    assert invalid_fields(alice.get(f"{TASKS}?q=milk&q=bread")) == ["q"]


def test_the_best_comes_first_and_then_the_newest(alice: Person) -> None:
    alice.creates("6 other", description="milkshake")
    alice.creates("5 other", description="milk")
    alice.creates("4 milkman")
    alice.creates("3 milkshake")
    alice.creates("2 milk older")
    alice.creates("1 milk")
    by_rank = ["1 milk", "2 milk older", "3 milkshake", "4 milkman", "5 other", "6 other"]
    assert found(alice, "milk") == by_rank
    for limit in (1, 2, 4):
        assert found(alice, "milk", limit=limit) == by_rank
    assert found(alice, "milk", order="oldest") == ["6 other", "5 other", "4 milkman", "3 milkshake", "2 milk older", "1 milk"]
    assert found(alice, "milk", order="title", limit=2) == by_rank


def test_it_finds_what_was_changed_and_no_longer_what_it_was(alice: Person) -> None:
    path = f"{TASKS}/{alice.creates('Buy milk', description='at the corner')['id']}"
    alice.patch(path, json={"title": "Buy bread"})
    assert (found(alice, "milk"), found(alice, "bread corner")) == ([], ["Buy bread"])
    alice.put(path, json={"title": "Sell bread"})
    assert (found(alice, "corner"), found(alice, "sell")) == ([], ["Sell bread"])
    alice.delete(path)
    assert found(alice, "bread") == []


def test_nobody_finds_anybody_elses(alice: Person, bob: Person, carol: Person) -> None:
    task = alice.creates("Buy milk")
    assert found(bob, "milk") == found(carol, "milk") == []
    assert carol.get(f"/api/v1/users/{alice.id}/tasks?q=milk").json()["items"] == [task]


def test_what_a_version_without_a_search_wrote_is_found(alice: Person, shared_database: str) -> None:
    task = alice.creates("Buy MILK", description="At the corner")
    path = f"{TASKS}/{task['id']}"
    postgres.query(shared_database, "UPDATE tasks SET folded = NULL WHERE id = $1", UUID(task["id"]))
    assert found(alice, "milk corner") == found(alice, "mil", order="title") == ["Buy MILK"]
    alice.patch(path, json={"title": "Buy bread"})
    assert (found(alice, "bread corner"), found(alice, "milk")) == (["Buy bread"], [])


def test_a_search_that_is_repeated_is_a_304_until_something_is_written(alice: Person, shared_database: str) -> None:
    alice.creates("milk")
    tag = alice.get(f"{TASKS}?q=milk").headers["etag"]
    before = revision_of(shared_database, alice.id)
    assert alice.get(f"{TASKS}?q=milk", headers={"If-None-Match": tag}).status_code == 304
    assert revision_of(shared_database, alice.id) == before
    alice.creates("milk")
    assert alice.get(f"{TASKS}?q=milk", headers={"If-None-Match": tag}).status_code == 200
