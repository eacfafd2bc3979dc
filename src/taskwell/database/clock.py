"""How far this machine's clock is from the database's: tokens are made by the one and checked by the other."""

from taskwell.log import log

SKEW_SECONDS = 5.0
"""What NTP keeps is far below it, and a token that is a minute ahead is refused."""


class Clock:
    """What the connections found, the newest last."""

    def __init__(self) -> None:
        self.ahead = 0.0
        """How many seconds this machine is ahead of the database, at least; negative where it is behind."""
        self._warned = False

    @property
    def is_skewed(self) -> bool:
        return abs(self.ahead) > SKEW_SECONDS

    def compare(self, database: float, asked: float, answered: float) -> None:
        """Takes the database's time, and this machine's before and after that was asked for. Warns once until both agree."""
        # The database looked at its clock at some moment between: what the round trip took is no skew.
        self.ahead = max(asked - database, 0.0) + min(answered - database, 0.0)
        if self.is_skewed and not self._warned:
            log.warning("clock_skew", ahead_of_database_seconds=round(self.ahead, 1))
        self._warned = self.is_skewed
