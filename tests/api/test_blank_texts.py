"""A text that must be visible is refused where nothing of it can be seen, whatever Unicode calls the characters."""

import pytest

from tests.support.cast import Person
from tests.support.errors import invalid_fields

TASKS = "/api/v1/tasks"
BLANK = {
    "white space": " \t\n\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000",
    "control characters": "\u0001\u0008\u001b\u007f\u0080\u009f",
    "zero width space": "\u200b",
    "zero width joiner and non-joiner": "\u200c\u200d",
    "braille without a dot": "\u2800",
    "soft hyphen": "\u00ad",
    "combining grapheme joiner": "\u034f",
    "hangul fillers": "\u3164\u115f\u1160\uffa0",
    "byte order mark": "\ufeff",
    "controls of direction": "\u200e\u200f\u061c\u202a\u202e\u2066\u2069",
    "word joiner and invisible operators": "\u2060\u2061\u2064",
    "controls of format": "\u206a\u206f\ufff9\ufffb\U00013430",
    "variation selectors": "\ufe0f\ufe0e\U000e0100\U000e01ef",
    "tags": "\U000e0001\U000e007f",
    "vowels of Khmer that do not show": "\u17b4\u17b5",
    "selectors of Mongolian": "\u180b\u180e\u180f",
    "a note without a head": "\U0001d159",
    "controls of shorthand and music": "\U0001bca0\U0001d173",
    "a filler of Khitan": "\U00016fe4",
    "blanks of hieroglyphs": "\U00013441\U00013442",
    "joiners of Tifinagh and Brahmi": "\u2d7f\U0001107f",
    "a mix": " \u200b\u2800\u3164\u00ad\ufeff\u202e\ufe0f\t",
}
SEEN = [
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\u2764\ufe0f",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\u200bx\u200b",
    "\u2801",
    "\u0301",
    "\u05d0\u200f",
    *"\u0600\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd",
    "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    ".",
    "0",
]


@pytest.mark.parametrize("text", BLANK.values(), ids=BLANK)
def test_what_cannot_be_seen_is_blank(alice: Person, text: str) -> None:
    task = alice.creates()
    path = f"{TASKS}/{task['id']}"
    for blank in {text, text[0], text * 2}:
        assert invalid_fields(alice.post(TASKS, json={"title": blank})) == ["title"]
        assert invalid_fields(alice.put(path, json={"title": blank})) == ["title"]
        assert invalid_fields(alice.patch(path, json={"title": blank})) == ["title"]
        assert invalid_fields(alice.patch("/api/v1/auth/me", json={"display_name": blank})) == ["display_name"]
        token = {"name": blank, "scopes": ["tasks:read"], "expires_in_days": 1}
        assert invalid_fields(alice.post("/api/v1/auth/tokens", json=token)) == ["name"]
    assert alice.sees() == [task]


@pytest.mark.parametrize("text", SEEN)
def test_one_character_that_shows_is_enough_and_nothing_is_taken_away(alice: Person, text: str) -> None:
    task = alice.creates(text)
    assert task["title"] == text
    assert alice.sees() == [task]
    assert alice.patch("/api/v1/auth/me", json={"display_name": text}).json()["display_name"] == text
