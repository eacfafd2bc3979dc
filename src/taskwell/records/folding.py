"""How texts are made alike for the search and for the order by title: case, accents and punctuation make no difference.

Python folds what is stored and what is looked for, and PostgreSQL only compares: its own `lower` depends on the locale of the
database and differs from Python's. What is folded has a blank before and behind each word, so a word that begins with `milk` is
`LIKE '% milk%'`. No character is left that has a meaning to LIKE.

Folded texts are stored, so another folding needs a migration.
"""

import re
from collections.abc import Iterable
from typing import Final
from unicodedata import category, combining, decomposition, normalize

from taskwell.encoding import sha256_text
from taskwell.types import INVISIBLE, name_key

# Thai, Lao, Tibetan, Burmese, Khmer, Kana, Bopomofo, and the characters of China.
_SPACELESS = re.compile(
    "([\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u312f\u31a0-\u9fff\U00020000-\U0003ffff]+)"
)
_IN_ASCII: Final = {code: " " for code in range(128) if not chr(code).isalnum()}
# To Unicode these are letters of their own, and no others with accents; and the last two, which show nothing, are letters.
_SPELLED: Final = dict(zip("øđłħŧıæœþð\u115f\u1160", ("o", "d", "l", "h", "t", "i", "ae", "oe", "th", "d", "", ""), strict=True))
_MARK_LENGTH: Final = 12
_LONGER: Final = 3
"""A folded text has this many times the characters of the text at most. Syllables of Hangul need that; what has more, such as
the one character for a whole sentence of Arabic, is cut off."""


def fold(text: str) -> str:
    """The words of a text, with a blank before and behind each; nothing for a text without words.

    Each character is folded by itself: `normalize` takes time by the square of a long run of accents, 3 s for those that fit into
    one description.
    """
    if text.isascii():
        folded = text.lower().translate(_IN_ASCII)
    else:
        folded = text.translate({ord(character): _folded(character) for character in set(text)})[: _LONGER * len(text)]
        folded = " ".join(_SPACELESS.split(folded))
    words = folded.split()
    return f" {' '.join(words)} " if words else ""


def fold_name(name: str) -> str:
    """The words of a name that is one of several, and a mark: SQL finds it among the others, and puts another in its place.

    It is the same for all spellings of the name.
    """
    key = name_key(name)
    return f"{fold(key)}\x02{sha256_text(key.encode())[:_MARK_LENGTH]}\x03"


def fold_names(names: Iterable[str]) -> str:
    """The words of several names."""
    return "".join(map(fold_name, names))


def is_without_spaces(word: str) -> bool:
    """Says whether a folded word is of a script that has no spaces, so that it can stand anywhere in a longer one."""
    return _SPACELESS.match(word) is not None


def _folded(character: str) -> str:
    if character.isalnum() and not decomposition(character):
        folded = character.casefold()
        return _SPELLED.get(folded, folded)
    # Once more after NFKD, which makes a capital of what only looks like one.
    return "".join(map(_kept, normalize("NFKD", character.casefold()).casefold()))


def _kept(character: str) -> str:
    if INVISIBLE.match(character):
        return ""
    if character.isalnum():
        return _SPELLED.get(character, character)
    kind = category(character)
    if kind.startswith("M"):
        # Below 10 are the marks that make another letter: voiced kana, nukta, virama. So are the vowels without a class.
        return "" if combining(character) >= 10 or kind == "Me" else character
    return f" {character} " if kind in ("So", "Sc") else " "
