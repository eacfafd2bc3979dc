"""What could pass for a refresh token and is none, made from one that is good."""

import base64
from collections.abc import Callable
from typing import Final, NamedTuple, Self
from uuid import UUID, uuid4

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Parts(NamedTuple):
    """What a refresh token says: whose it is, of which session, the secret, and that the database made it."""

    user: bytes
    session: bytes
    secret: bytes
    seal: bytes

    @classmethod
    def of(cls, token: str) -> Self:
        raw = base64.urlsafe_b64decode(token.removeprefix("tr_") + "==")
        return cls(raw[:16], raw[16:32], raw[32:64], raw[64:])

    @property
    def token(self) -> str:
        return "tr_" + base64.urlsafe_b64encode(b"".join(self)).rstrip(b"=").decode()

    @property
    def user_id(self) -> UUID:
        return UUID(bytes=self.user)

    @property
    def session_id(self) -> UUID:
        return UUID(bytes=self.session)

    def spellings_of_the_secret(self) -> list[str]:
        """In which a column could hold it."""
        plain, url_safe = base64.b64encode(self.secret).decode(), base64.urlsafe_b64encode(self.secret).decode()
        return [self.secret.hex(), plain.rstrip("="), url_safe.rstrip("="), self.token[46:86]]

    @staticmethod
    def bytes_of(digest: str) -> bytes:
        """A column that holds base64url."""
        return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4))


class Loot(NamedTuple):
    """What an attacker may have come by. `good` has a - or a _ in it, so that it is another in the other alphabet."""

    good: str
    others: str  # a good one of somebody else
    second: str  # a good one of the same person's other session
    access: str
    api: str
    digest: bytes  # of the secret, as it stands in the database

    @property
    def body(self) -> str:
        return self.good.removeprefix("tr_")


def _next_letter(letter: str) -> str:
    return ALPHABET[ALPHABET.index(letter) + 1]


ANOTHER_SPELLING: Final[dict[str, Callable[[Loot], str]]] = {
    "without the prefix": lambda loot: loot.body,
    "with the prefix of an API token": lambda loot: "tw_" + loot.body,
    "with a prefix in capitals": lambda loot: "TR_" + loot.body,
    "with a hyphen in the prefix": lambda loot: "tr-" + loot.body,
    "with the prefix twice": lambda loot: "tr_" + loot.good,
    "as a bearer": lambda loot: "Bearer " + loot.good,
    "padded": lambda loot: loot.good + "==",
    "padded by one": lambda loot: loot.good + "=",
    "in the other alphabet": lambda loot: loot.good.replace("-", "+").replace("_", "/").replace("tr/", "tr_"),
    "with another last letter": lambda loot: loot.good[:-1] + _next_letter(loot.good[-1]),
    "after a space": lambda loot: " " + loot.good,
    "before a space": lambda loot: loot.good + " ",
    "before a line feed": lambda loot: loot.good + "\n",
    "before a NUL": lambda loot: loot.good + "\0",
    "with a space in it": lambda loot: loot.good[:40] + " " + loot.good[40:],
    "with a line break in it": lambda loot: loot.good[:40] + "\r\n" + loot.good[40:],
    "in quotes": lambda loot: f'"{loot.good}"',
    "with a wide letter": lambda loot: loot.good[:-1] + "Ａ",
    "with a dotless i": lambda loot: "tr_" + "ı" * 96,
    "in hexadecimal": lambda loot: "tr_" + b"".join(Parts.of(loot.good)).hex(),
}
"""Of the very bytes of the good one, mostly."""

CUT_OR_GROWN: Final[dict[str, Callable[[Loot], str]]] = {
    "empty": lambda loot: "",
    "the prefix alone": lambda loot: "tr_",
    "short of one letter": lambda loot: loot.good[:-1],
    "short of two letters": lambda loot: loot.good[:-2],
    "short of four letters": lambda loot: loot.good[:-4],
    "half": lambda loot: loot.good[:44],
    "the ids alone": lambda loot: Parts.of(loot.good)._replace(secret=b"", seal=b"").token,
    "without a seal": lambda loot: Parts.of(loot.good)._replace(seal=b"").token,
    "without a secret": lambda loot: Parts.of(loot.good)._replace(secret=b"").token,
    "with a byte more": lambda loot: Parts.of(loot.good)._replace(secret=Parts.of(loot.good).secret + b"\0").token,
    "with four letters more": lambda loot: loot.good + "AAAA",
    "twice": lambda loot: loot.good + loot.good,
    "all zero": lambda loot: "tr_" + "A" * 96,
    "as long as a form's field may be": lambda loot: "tr_" + "A" * 197,
}

OF_ANOTHER: Final[dict[str, Callable[[Loot], str]]] = {
    "somebody else's id with my session": lambda loot: Parts.of(loot.good)._replace(user=Parts.of(loot.others).user).token,
    "nobody's id with my session": lambda loot: Parts.of(loot.good)._replace(user=uuid4().bytes).token,
    "my id with somebody else's session and secret": lambda loot: (
        Parts.of(loot.others)._replace(user=Parts.of(loot.good).user).token
    ),
    "my id with a session that never was": lambda loot: Parts.of(loot.good)._replace(session=uuid4().bytes).token,
    "the two ids the wrong way round": lambda loot: (
        Parts.of(loot.good)._replace(user=Parts.of(loot.good).session, session=Parts.of(loot.good).user).token
    ),
    "an access token": lambda loot: loot.access[:200],
    "an API token": lambda loot: loot.api,
    "an API token with our prefix": lambda loot: "tr_" + loot.api.removeprefix("tw_"),
}

WRONG_SECRET: Final[dict[str, Callable[[Loot], str]]] = {
    "a secret of zeros": lambda loot: Parts.of(loot.good)._replace(secret=bytes(32)).token,
    "the secret of the other session": lambda loot: Parts.of(loot.good)._replace(secret=Parts.of(loot.second).secret).token,
    "the digest from the database": lambda loot: Parts.of(loot.good)._replace(secret=loot.digest).token,
    "the secret and the seal of the other session": lambda loot: (
        Parts.of(loot.second)._replace(session=Parts.of(loot.good).session).token
    ),
    "a secret of zeros and a seal of zeros": lambda loot: Parts.of(loot.good)._replace(secret=bytes(32), seal=bytes(8)).token,
    "one bit off": lambda loot: (
        Parts.of(loot.good)._replace(secret=bytes([Parts.of(loot.good).secret[0] ^ 1]) + Parts.of(loot.good).secret[1:]).token
    ),
}
"""Of a session that there is. Its id is no secret: a log, an old token or a copy of the database may show it."""

HARMLESS: Final = ANOTHER_SPELLING | CUT_OR_GROWN | OF_ANOTHER | WRONG_SECRET
