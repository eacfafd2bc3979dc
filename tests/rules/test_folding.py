"""Case, accents, width and punctuation make no difference to the search, in the scripts that people write in."""

import time

import pytest

from taskwell.records.folding import fold, fold_name, fold_names, is_without_spaces

ALIKE = {
    "case": ("Buy MILK", "buy milk"),
    "punctuation and blanks": ("  Milk,\teggs\n& (bread)!", "milk eggs bread"),
    "accents": ("Café Ünïcode", "cafe unicode"),
    "accents written apart": ("Cafe\u0301", "café"),
    "letters with a stroke": ("Łódź søster đ", "lodz soster d"),
    "sharp s": ("Straße", "STRASSE"),
    "both sigmas": ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    "four kinds of i": ("İstanbul ISTANBUL", "ıstanbul istanbul"),
    "width": ("ＭＩＬＫ １", "milk 1"),
    "ligatures": ("ﬁx", "fix"),
    "what cannot be seen": ("mi\u200blk\u00ad", "milk"),
    "a heart with and without its colour": ("\u2764\ufe0f", "\u2764"),
    "voiced kana of half width": ("ｶﾞ", "ガ"),
    "Hebrew points": ("שָׁלוֹם", "שלום"),
    "Arabic vowels": ("مُحَمَّد", "محمد"),
    "Vietnamese": ("Tiếng Việt", "tieng viet"),
}


@pytest.mark.parametrize(("one", "other"), ALIKE.values(), ids=ALIKE)
def test_these_are_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("か", "が"), ("कि", "कु"), ("tea", "teas"), ("a b", "ab"), ("🎂", "🎁"), ("5 €", "5 $")]
)
def test_these_are_not(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize("text", ["", " ", "!?", "\u0301", "\u200b", "%_\\", "\x01\x02\x00", "\u3164\u115f"])
def test_some_texts_have_no_words(text: str) -> None:
    assert fold(text) == ""


def test_words_have_blanks_around_them_and_nothing_that_like_reads() -> None:
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x11000), *range(0x1F000, 0x20000)]))
    folded = fold(" ".join(every))
    assert folded.startswith(" ")
    assert folded.endswith(" ")
    assert "  " not in folded
    assert not {*folded} & {*"%_\\*", *map(chr, range(32)), *map(chr, range(0x7F, 0xA0))}


def test_scripts_without_spaces_are_words_of_their_own() -> None:
    assert fold("牛乳packを買う") == " 牛乳 pack を買う "
    assert fold("ซื้อนมmilk").endswith(" milk ")
    assert [is_without_spaces(word) for word in ("牛乳", "を買う", "นม", "milk", "한국어", "🎂")] == [True] * 3 + [False] * 3
    assert fold("🎂Birthday") == " 🎂 birthday "


def test_labels_are_words_beside_each_other() -> None:
    both = fold_names(["Home", "big errand"])
    assert both.startswith(" home ")
    assert " big errand " in both
    assert both == fold_name("home") + fold_name("BIG Errand ")
    assert both.replace(fold_name("HOME"), "") == fold_name("big errand")
    assert fold_name("café") != fold_name("cafe")  # which are two labels, of the same words
    assert fold_names([]) == ""


@pytest.mark.parametrize("text", ["\u0f73" * 16_384, "\u0301\u0323" * 8_192, "\u094d\u3099" * 8_192, "\ufdfa" * 16_384])
def test_no_text_takes_the_square_of_its_length(text: str) -> None:
    """Python's own normalization takes 3 s for the first of them; what is allowed here is a tenth of that."""
    began = time.process_time()
    assert len(fold(text)) <= 3 * len(text) + 2
    assert time.process_time() - began < 0.3
