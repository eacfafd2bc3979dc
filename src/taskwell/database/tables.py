"""`instance`: one row that says which database this is."""

from sqlmodel import Field, SQLModel


class Instance(SQLModel, table=True):
    """The epoch is a random value made by the first migration.

    A database restored from a backup or branched at an earlier moment counts its revisions again from there; whoever
    makes such a copy gives it a new epoch (docs/deploy.md), so that no tag or token of the old future ever matches.
    """

    __tablename__ = "instance"

    epoch: str = Field(primary_key=True, max_length=32)
    # Random, and never shown: what is hashed with it tells nobody whose it is.
    tag_key: str = Field(max_length=43)
