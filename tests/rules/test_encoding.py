"""Each value has one spelling, and what JSON parsers disagree on has none."""

import json

import pytest

from taskwell.encoding import AmbiguousJson, from_base64url, strict_decoder, to_base64url


@pytest.mark.parametrize("raw", [b"", b"\0", b"\xfb\xff", b"\xff\xfe\xfd", bytes(range(256))])
def test_bytes_are_read_as_they_were_written(raw: bytes) -> None:
    text = to_base64url(raw)
    assert not set(text) & set("+/=")
    assert from_base64url(text) == raw


@pytest.mark.parametrize("text", ["-_8=", "+/8", "-_9", "-_8 ", "-_8\n", "A", "ä", "-_\ud800"])
def test_another_spelling_of_bytes_is_refused(text: str) -> None:
    assert from_base64url("-_8") == b"\xfb\xff"
    with pytest.raises(ValueError):  # noqa: PT011  of several kinds
        from_base64url(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "a": 1}', "names a field twice"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "names a field twice"),
        ("NaN", "NaN or Infinity"),
        ('{"a": [-Infinity]}', "NaN or Infinity"),
        ('{"a": 1, "b": 2, "c": 3}', "too many fields"),
    ],
)
def test_json_that_parsers_disagree_on_is_refused(text: str, problem: str) -> None:
    with pytest.raises(AmbiguousJson, match=problem):
        strict_decoder(most_names=2).decode(text)


def test_other_json_is_read_as_ever() -> None:
    text = '{"a": [1, 2.5, null, true, {"a": "\\u00e4"}], "b": {}}'
    assert strict_decoder().decode(text) == json.loads(text)
    with pytest.raises(json.JSONDecodeError):
        strict_decoder().decode("\ufeff{}")
