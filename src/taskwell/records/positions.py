"""Positions: the keys of a fractional index, by which siblings are ordered, byte by byte.

A key is the fraction behind "0." in base 36. It has no zero at its end, so that each fraction has one key, and between any two
there is another one: to put a record between two others, nothing but its own key is changed.
"""

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def between(lower: str, upper: str | None) -> str:
    """A short key about half way between the two. `lower` may be empty, the beginning; `upper` is None at the end.

    It gets longer by a digit with each five that are put to one side of it. `lower` has to be less than `upper`.
    """
    assert upper is None or lower < upper
    key = ""
    while True:
        place = len(key)
        low = DIGITS.index(lower[place]) if place < len(lower) else 0
        high = len(DIGITS) if upper is None else DIGITS.index(upper[place]) if place < len(upper) else 0
        middle = (low + high) // 2
        if middle > low:
            return key + DIGITS[middle]
        key += DIGITS[low]
        if low < high:  # less than `upper` already, whatever comes
            upper = None
