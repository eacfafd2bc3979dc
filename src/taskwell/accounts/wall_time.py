"""What the clocks of an account show at an instant."""

from typing import Any

from sqlalchemy import ColumnElement, DateTime, case, func

_READ_OTHERWISE = {"CET": "Europe/Brussels", "EET": "Europe/Athens", "MET": "Europe/Brussels", "WET": "Europe/Lisbon"}
"""Zones of the IANA database whose names PostgreSQL takes for abbreviations, which have no summer: with it CET is always +01:00.

What each of them is since release 2024b of that database.
"""


def wall_time(time_zone: ColumnElement[str], instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """The date and the time, without a zone. An instant has one in every zone; the other way a wall time may have two or none,
    and PostgreSQL chooses otherwise than RFC 5545, so nothing asks it."""
    return func.timezone(case(_READ_OTHERWISE, value=time_zone, else_=time_zone), instant, type_=DateTime(timezone=False))
