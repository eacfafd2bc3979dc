"""Hashes under a secret of the database's own. They may leave the server, and only this database can tell what was hashed."""

from hashlib import blake2b


class KeyedHash:
    """Hashes of 96 bits. The key is in no attribute, so that no repr and no log can show it."""

    def __init__(self, key: str) -> None:
        self._of_nothing = blake2b(key=key.encode(), digest_size=12)

    def of(self, data: bytes) -> blake2b:
        """`data` begins with the name of its use, so that two uses never hash the same bytes."""
        # A copy takes 0.7 µs. To set the key again takes 2.1 µs.
        hashed = self._of_nothing.copy()
        hashed.update(data)
        return hashed
