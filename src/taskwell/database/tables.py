"""`instance`: one row that says which database this is."""

from sqlmodel import Field, SQLModel


class Instance(SQLModel, table=True):
    """The epoch is a random value made by the first migration.

    A database that is restored from a backup, or branched at an earlier moment, counts its revisions again from there. Its
    operator gives it a new epoch (docs/deploy.md), so that no tag of the old future ever matches.
    """

    __tablename__ = "instance"

    epoch: str = Field(primary_key=True, max_length=32)
    # It is random and never shown, so that a hash under it does not show whose it is.
    tag_key: str = Field(max_length=43)
