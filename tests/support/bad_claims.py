"""Access tokens that are rightly signed by our own key and say what none of ours does, by what is wrong with it."""

import json
from typing import Any
from uuid import UUID

from tests.support.forge import (
    BODY,
    CLAIMS,
    DAY,
    GONE,
    HEAD,
    HEADER,
    NOW,
    SEAL,
    THEIRS,
    VICTIM,
    json_of,
    of_length,
    token,
    twice,
    with_claims,
)

_WRONG_TYPES = {
    "null": b"null",
    "true": b"true",
    "false": b"false",
    "0": b"0",
    "-1": b"-1",
    "1.5": b"1.5",
    "an empty list": b"[]",
    "an empty object": b"{}",
    "an empty text": b'""',
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "1e400": b"1e400",
    "an integer of 5,000 digits": b"9" * 5000,
    "a negative one of 5,000 digits": b"-" + b"9" * 5000,
}
_TEXTS = {"jti", "scope"}
"""Of these an empty text is a text like others."""

_NO_TIMES = {name: text for name, text in _WRONG_TYPES.items() if name not in {"0", "-1", "1.5"}}
"""A time that a token may leave out, and that may well be long ago."""


def _types() -> dict[str, bytes]:
    wrong = {
        f"{claim}: {name}": with_claims(**{claim: text})
        for claim in CLAIMS
        for name, text in _WRONG_TYPES.items()
        if claim not in _TEXTS or name != "an empty text"
    }
    wrong |= {f"{claim}: in an object": with_claims(**{claim: {"value": value}}) for claim, value in CLAIMS.items()}
    # RFC 7519 4.1.3 lets `aud` alone be a list.
    wrong |= {f"{claim}: in a list": with_claims(**{claim: [value]}) for claim, value in CLAIMS.items() if claim != "aud"}
    wrong |= {f"{claim}: as a text": with_claims(**{claim: str(CLAIMS[claim])}) for claim in ("iat", "exp")}
    wrong |= {f"{claim}: an ISO date": with_claims(**{claim: "2030-01-01T00:00:00Z"}) for claim in ("iat", "exp", "nbf")}
    sessions = _WRONG_TYPES | {"a name": b'"mine"', "in a list": b'["%s"]' % str(VICTIM).encode()}
    wrong |= {f"sid: {name}": with_claims(sid=text) for name, text in sessions.items()}
    return wrong | {f"nbf: {name}": with_claims(nbf=text) for name, text in _NO_TIMES.items()}


def _missing() -> dict[str, bytes]:
    one = {f"{claim}: missing": with_claims(**{claim: GONE}) for claim in CLAIMS}
    title = {
        f"{claim}: as {claim.title()}": with_claims(**{claim: GONE, claim.title(): CLAIMS[claim]}) for claim in ("sub", "exp")
    }
    return one | title | {"all claims: missing": token(payload=b"{}")}


def _twice() -> dict[str, bytes]:
    same = {f"{claim}: twice, alike": token(payload=twice(CLAIMS, claim, value)) for claim, value in CLAIMS.items()}
    null = {
        f"{claim}: twice, null first": token(payload=twice(CLAIMS | {claim: None}, claim, value))
        for claim, value in CLAIMS.items()
    }
    other = {f"{claim}: twice, null last": token(payload=twice(CLAIMS, claim, None)) for claim in CLAIMS}
    good = json_of(CLAIMS)
    return {
        **same,
        **null,
        **other,
        "sub: twice, once escaped": token(payload=b'{"\\u0073ub":"another",' + good[1:]),
        "nbf: twice": token(payload=twice(CLAIMS | {"nbf": NOW - 9}, "nbf", NOW - 9)),
        "any claim: twice": token(payload=twice(CLAIMS | {"name": "a"}, "name", "b")),
        "any claim: twice, within another": token(payload=json_of(CLAIMS | {"x": b'{"a":1,"a":2}'})),
    }


def _names() -> dict[str, bytes]:
    """Of the issuer and the audience: one spelling of one name."""
    wrong = [
        "taskwel", "taskwell2", "taskwell/", "Taskwell", "TASKWELL", " taskwell", "taskwell ", "taskwell\0", "taskwell\n", "*",
        "other", "task\u017fwell", "ta\u0455kwell", "taskwell,other", ["other"], ["taskwel", "l"], [["taskwell"]],
    ]  # fmt: skip
    names = {f"{claim}: {name!a}": with_claims(**{claim: name}) for claim in ("iss", "aud") for name in wrong}
    return names | {
        "aud: ours and a number": with_claims(aud=["taskwell", 1]),
        "aud: null in a list": with_claims(aud=[None]),
        "aud: an object of ours": with_claims(aud={"taskwell": True}),
        "iss: with a lone surrogate": with_claims(iss=b'"taskwell\\ud800"'),
        "iss: of 5,000 letters": with_claims(iss="t" * 5000),
    }


def _subjects() -> dict[str, bytes]:
    sub = str(VICTIM)
    wrong: dict[str, Any] = {
        "in capitals": sub.upper(),
        "in braces": f"{{{sub}}}",
        "as a URN": f"urn:uuid:{sub}",
        "without hyphens": VICTIM.hex,
        "hyphens elsewhere": VICTIM.hex + "----",
        "hyphens first": "----" + VICTIM.hex,
        "hyphens alone": "-" * 36,
        "with a space": sub + " ",
        "with a newline": sub + "\n",
        "with a NUL": sub + "\0",
        "a NUL": "\0",
        "a NUL in the middle": sub[:9] + "\0" + sub[10:],
        "cut short": sub[:-1],
        "a digit more": sub + "0",
        "no hexadecimal": sub[:-1] + "g",
        "in fullwidth digits": sub.replace("0", "\uff10"),
        "in Arabic digits": sub.replace("0", "\u0660"),
        "as a number": VICTIM.int,
        "its bytes": VICTIM.bytes.decode("latin-1"),
        "a lone surrogate": b'"\\ud800"',
        "with a lone surrogate": b'"' + sub[:-1].encode() + b'\\udfff"',
        "of 300 letters": "a" * 300,
        "of 5,000 letters": "a" * 5000,
        "a name": "alice",
        "an address": "alice@example.com",
        "another issuer's": "auth0|0123456789",
        "SQL": "' OR 1=1 --",
        "a path": f"../{sub}",
        "two": f"{sub},{UUID(int=1)}",
        "a space": " ",
    }
    return {f"sub: {name}": with_claims(sub=value) for name, value in wrong.items()}


def _times() -> dict[str, bytes]:
    """Those that stay wrong however long the tests take; what is near to now is made when it is sent."""
    wrong: dict[str, dict[str, Any]] = {
        "exp: 1e300": {"exp": b"1e300"},
        "exp: 2**63": {"exp": 2**63},
        "exp: 2**63 - 1": {"exp": 2**63 - 1},
        "exp: 2**31 seconds from now": {"exp": NOW + 2**31},
        "exp: the last second of 9999": {"exp": 253_402_300_799},
        "exp: the first of 10000": {"exp": 253_402_300_800},
        "exp: in milliseconds": {"exp": (NOW + 3600) * 1000},
        "exp: the smallest number": {"exp": b"5e-324"},
        "exp: -0.0": {"exp": b"-0.0"},
        "exp: -1e300": {"exp": b"-1e300"},
        "exp: expired yesterday": {"iat": NOW - DAY - 60, "exp": NOW - DAY},
        "exp: a second more than a day": {"iat": NOW - 1, "exp": NOW + DAY},
        "exp: ten years from now": {"exp": NOW + 10 * 365 * DAY},
        "iat and exp: in milliseconds": {"iat": NOW * 1000, "exp": (NOW + 3600) * 1000},
        "iat and exp: in the year 9999": {"iat": 253_402_300_000, "exp": 253_402_300_799},
        "iat and exp: in the year 10000": {"iat": 253_402_300_800, "exp": 253_402_300_801},
        "iat and exp: far beyond": {"iat": b"1e300", "exp": b"1e300"},
        "iat and exp: before 1970": {"iat": -2, "exp": -1},
        "iat: in an hour": {"iat": NOW + 3600},
        "iat: in a day": {"iat": NOW + DAY, "exp": NOW + DAY + 60},
        "iat: 1970": {"iat": 1},
        "iat: 1e300": {"iat": b"1e300"},
        "iat: -1e300": {"iat": b"-1e300"},
        "iat: 2**63": {"iat": 2**63},
        "iat: the smallest number": {"iat": b"5e-324"},
        "nbf: tomorrow": {"nbf": NOW + DAY},
        "nbf: 1e300": {"nbf": b"1e300"},
        "nbf: 2**63": {"nbf": 2**63},
    }
    return {name: with_claims(**claims) for name, claims in wrong.items()}


def _payloads() -> dict[str, bytes]:
    good = json_of(CLAIMS)
    text = good.decode()
    payloads = {
        "a list": b"[" + good + b"]",
        "a list of pairs": json.dumps(list(CLAIMS.items())).encode(),
        "a text": json.dumps(text).encode(),
        "a number": b"1",
        "null": b"null",
        "true": b"true",
        "one blank": b" ",
        "one NUL": b"\0",
        "NaN": b"NaN",
        "no JSON": b"sub=" + str(VICTIM).encode(),
        "XML": b"<sub>" + str(VICTIM).encode() + b"</sub>",
        "cut short": good[:-1],
        "two objects": good + good,
        "with a NUL after": good + b"\0",
        "with a comma after": good[:-1] + b",}",
        "in single quotes": good.replace(b'"', b"'"),
        "after a byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": text.encode("utf-16"),
        "UTF-16, little-endian": text.encode("utf-16-le"),
        "UTF-16, big-endian": text.encode("utf-16-be"),
        "UTF-32": text.encode("utf-32"),
        "not UTF-8 beside": good[:-1] + b',"name":"\xff"}',
        "an encoded surrogate beside": good[:-1] + b',"name":"\xed\xa0\x80"}',
        "an overlong letter beside": good[:-1] + b',"name":"\xc0\x80"}',
        "a raw newline in a text beside": good[:-1] + b',"name":"\n"}',
        "NaN beside": good[:-1] + b',"name":NaN}',
        "Infinity beside": good[:-1] + b',"name":[Infinity]}',
        "an integer of 5,000 digits beside": good[:-1] + b',"name":' + b"9" * 5000 + b"}",
        "10,000 lists": b"[" * 10_000,
        "5,000 lists": b"[" * 5000,
        "2,500 lists, closed": b"[" * 2500 + b"]" * 2500,
        "800 objects": b'{"a":' * 800 + b"1" + b"}" * 800,
        "a token": HEAD + b"." + BODY + b"." + SEAL,
        "a name of 5,000 letters": b'{"' + b"n" * 5000 + b'":1}',
    }
    signed = {f"payload: {name}": token(payload=payload) for name, payload in payloads.items()}
    # By another key: whether so many levels are too many is Python's to say, but not with a traceback.
    deep = token(HEADER, json_of(CLAIMS | {"name": b"[" * 2500 + b"]" * 2500}), THEIRS.sign)
    return signed | {"payload: 2,500 lists beside, another key's": deep, "payload: larger than 8 KiB": of_length(8193)}


BAD_CLAIMS = _types() | _missing() | _twice() | _names() | _subjects() | _times() | _payloads()
