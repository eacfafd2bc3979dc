"""`failed_sign_ins`: how often it went wrong lately, by address, by account, and by the two together. `sign_ups`: how many
tried to sign up, by address."""

from datetime import datetime

from sqlalchemy import DateTime, Index
from sqlmodel import Field, SQLModel


class FailedSignIns(SQLModel, table=True):
    __tablename__ = "failed_sign_ins"
    # Old rows are looked for by their age, a few with each new failure.
    __table_args__ = (Index("failed_sign_ins_since_idx", "since"),)

    key: str = Field(primary_key=True, max_length=64)
    failures: int
    since: datetime = Field(sa_type=DateTime(timezone=True))


class SignUps(SQLModel, table=True):
    __tablename__ = "sign_ups"
    __table_args__ = (Index("sign_ups_since_idx", "since"),)

    key: str = Field(primary_key=True, max_length=64)
    tries: int
    since: datetime = Field(sa_type=DateTime(timezone=True))
