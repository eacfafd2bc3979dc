"""What is sent for an access token and has not the form of one, or is one of somebody else's, by what is wrong with it."""

import itertools
import json

from tests.support.forge import BODY, CLAIMS, GOOD, HEAD, HEADER, KID, SEAL, SIGNED, b64, json_of, sealed, with_claims

_JOE = b"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
_VECTORS = {
    # Rightly signed by the very key of the tests, and no claims.
    "RFC 8037 A.4": b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    b"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    "RFC 7515 A.1": b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + _JOE + b".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "RFC 7515 A.5": b"eyJhbGciOiJub25lIn0." + _JOE + b".",
}


def _forms() -> dict[str, bytes]:
    # In these three segments stand letters that the two alphabets of base64 write differently.
    header, payload = b64(json_of(HEADER | {"x": "???>>>~~~"})), b64(json_of(CLAIMS | {"x": "???>>>~~~"}))
    standard = bytes.maketrans(b"-_", b"+/")
    flattened = {"protected": HEAD.decode(), "payload": BODY.decode(), "signature": SEAL.decode()}
    general = {"payload": BODY.decode(), "signatures": [{"protected": HEAD.decode(), "signature": SEAL.decode()}]}
    jwe = b64(json_of({"alg": "dir", "enc": "A256GCM", "kid": KID}))
    forms = {
        "the header in base64": sealed(header.translate(standard) + b"." + BODY),
        "the payload in base64": sealed(HEAD + b"." + payload.translate(standard)),
        "the signature in base64": _in_base64(standard),
        "flattened JSON": json.dumps(flattened).encode(),
        "flattened JSON without spaces": json.dumps(flattened, separators=(",", ":")).encode(),
        "general JSON": json.dumps(general).encode(),
        "in quotes": b'"' + GOOD + b'"',
        "in brackets": b"<" + GOOD + b">",
        "JWE": b".".join([jwe, b"", b64(bytes(12)), b64(json_of(CLAIMS)), b64(bytes(16))]),
        "JWE with a key": b".".join([jwe, b64(bytes(40)), b64(bytes(12)), b64(json_of(CLAIMS)), b64(bytes(16))]),
        "four segments": GOOD + b"." + SEAL,
        "five segments": GOOD + b"." + SEAL + b"." + SEAL,
        "a hundred segments": b".".join([HEAD] * 100),
        "the header alone": HEAD,
        "two segments": SIGNED,
        "header and signature": HEAD + b"." + SEAL,
        "no header": sealed(b"." + BODY),
        "no payload": sealed(HEAD + b"."),
        "no signature": SIGNED + b".",
        "dots": b"..",
        "one dot": b".",
        "five thousand dots": b"." * 5000,
        "a dot before": b"." + GOOD,
        "a dot after": GOOD + b".",
        "two dots between": HEAD + b".." + BODY + b"." + SEAL,
        "dots as %2E": GOOD.replace(b".", b"%2E"),
        "commas for dots": GOOD.replace(b".", b","),
        "one letter": b"a",
        "three letters": b"a.b.c",
        "one letter too many": b"A" + GOOD,
        "a text": b"null",
        "the UUID of the account": CLAIMS["sub"].encode(),
        "not ASCII": HEAD + b"." + BODY + b"." + SEAL[:-1] + "\u00e9".encode(),
        "not UTF-8": HEAD + b"." + BODY + b"." + SEAL[:-1] + b"\xff",
        "fullwidth letters": GOOD.replace(b"e", "\uff45".encode(), 1),
        "a byte order mark before": b"\xef\xbb\xbf" + GOOD,
        "eight thousand letters": b"A" * 8192,
    }
    # What begins as an API token does, and fails its checksum.
    for name, text in {
        "nothing": b"",
        "zeros": b"A" * 49,
        "8,000 letters": b"A" * 8000,
        "not ASCII": b"\xff" * 49,
        "a JWT": GOOD,
    }.items():
        forms[f"tw_ and {name}"] = b"tw_" + text
    for name, at in {"header": len(HEAD), "payload": len(SIGNED), "signature": len(GOOD)}.items():
        for pad in (b"=", b"==", b"====", b"%3D"):
            forms[f"{pad.decode()} after the {name}"] = GOOD[:at] + pad + GOOD[at:]
        for blank in (b" ", b"\t"):
            forms[f"{blank!r} in the {name}"] = GOOD[: at - 9] + blank + GOOD[at - 9 :]
    forms["padding that is signed"] = sealed(HEAD + b"=." + BODY + b"=")
    return forms


def _in_base64(standard: bytes) -> bytes:
    """Of some signature that has a letter of which there are two spellings; three in four do."""
    made = (with_claims(jti=str(number)) for number in itertools.count())
    return next(changed for one in made if (changed := one.translate(standard)) != one)


BAD_FORMS = _forms() | _VECTORS
