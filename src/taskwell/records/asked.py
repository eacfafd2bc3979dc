"""Who asks for a write: one request, or each of a set of them. What differs between the two forms of a statement is here.

In the form over a set, an argument is a column of whatever is called `asked` at its level: the requests at first, and then what
carries them on. There is at most one write of an owner in a set, so the owner ties what belongs to one request.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sqlalchemy import CTE, ColumnElement, FromClause, Label, Select, case, false, select, true, update
from sqlalchemy.dialects.postgresql import insert

from taskwell.accounts.locking import locked_owner
from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.database.statement import ASKED, argument
from taskwell.database.statement_of_set import ASKED_BY, IS_SKIPPED, Types, requests
from taskwell.records.kinds import Kind

ValuesOf = Callable[[FromClause], dict[str, ColumnElement[Any]]]
"""The new values of a record, from the record as it was."""


class Asked(Protocol):
    def me(self) -> CTE:
        """The rows of the owners who may act, locked: `id`, `revision` and `time_zone`."""

    def of(self, carrier: CTE) -> FromClause:
        """What a level reads that has arguments."""

    def carried(self, *names: str) -> list[Label[Any]]:
        """What a level gives, beside its own columns, for the next one to have the arguments."""

    def tied(self, owned: ColumnElement[Any]) -> ColumnElement[bool]:
        """The row, whose owner this is, belongs to the request."""

    def record(self, kind: Kind, me: CTE) -> CTE:
        """The live record that the request names, as it is now, locked."""

    def changed(self, kind: Kind, current: CTE, decision: FromClause, values: ValuesOf) -> CTE:
        """What is decided, carried out. It gives the record as it is then."""

    def counted(self, me: CTE, written: CTE) -> CTE:
        """The revision of what was written becomes the owner's."""

    def answer(self, kind: Kind, columns: Sequence[ColumnElement[Any]], me: CTE, *found: CTE) -> Select[Any]:
        """What the request gets, of its owner and of what was found for it."""


class One:
    def me(self) -> CTE:
        return locked_owner()

    def of(self, carrier: CTE) -> FromClause:
        return carrier

    def carried(self, *_: str) -> list[Label[Any]]:
        return []

    def tied(self, _: ColumnElement[Any]) -> ColumnElement[bool]:
        return true()

    def record(self, kind: Kind, me: CTE) -> CTE:
        return (
            select(*kind.written)
            .select_from(me.join(kind.table, kind.table.c.user_id == me.c.id))
            .where(kind.live, kind.table.c.id == kind.id)
            .with_for_update(of=kind.table)
            .cte("current")
        )

    def changed(self, kind: Kind, _: CTE, decision: FromClause, values: ValuesOf) -> CTE:
        return (
            update(kind.table)
            .values(**values(kind.table), updated_at=decision.c.at, revision=decision.c.revision)
            .where(kind.live, kind.table.c.id == kind.id)
            .returning(*kind.stored)
            .cte("changed")
        )

    def counted(self, _: CTE, written: CTE) -> CTE:
        return (
            update(users)
            .values(revision=written.c.revision)
            .where(users.c.id == owner, users.c.id == written.c.user_id)
            .cte("counted")
        )

    def answer(self, _: Kind, columns: Sequence[ColumnElement[Any]], me: CTE, *found: CTE) -> Select[Any]:
        joined: FromClause = me
        for one in found:
            joined = joined.outerjoin(one, true())
        return select(*columns).select_from(joined)


class Each:
    """A row is met by a lock in a LATERAL, which cannot be flattened, or by the key of an INSERT, and never by a join: a plan
    that was made on empty tables would read everybody's rows later.

    No lock is waited for, so that nobody waits for somebody else's: who is skipped is told so, and comes again.
    """

    def __init__(self, types: Types) -> None:
        self._types = types
        self._asked = requests(types).cte(ASKED)

    def me(self) -> CTE:
        own = (
            select(users.c.id, users.c.revision, users.c.time_zone)
            .where(owner_may_act())
            .with_for_update(key_share=True, skip_locked=True)
            .lateral("own")
        )
        return select(*self.carried(), *own.c).select_from(self._asked.join(own, true())).cte("me")

    def of(self, carrier: CTE) -> FromClause:
        return select(*carrier.c).subquery(ASKED)

    def carried(self, *names: str) -> list[Label[Any]]:
        return [argument(name, self._types[name]).label(name) for name in names or sorted(self._types)]

    def tied(self, owned: ColumnElement[Any]) -> ColumnElement[bool]:
        return owned == owner

    def record(self, kind: Kind, me: CTE) -> CTE:
        record = (
            select(*kind.table.c).where(kind.live, kind.table.c.id == kind.id).with_for_update(skip_locked=True).lateral("record")
        )
        return select(*record.c).select_from(self.of(me).join(record, true())).cte("current")

    def changed(self, kind: Kind, current: CTE, decision: FromClause, values: ValuesOf) -> CTE:
        new = {**values(current), "updated_at": decision.c.at, "revision": decision.c.revision}
        row = {column.name: current.c[column.name] for column in kind.table.c} | {"user_id": owner} | new
        whole = select(*row.values()).select_from(decision.join(current, self.tied(current.c.user_id)))
        upsert = insert(kind.table).from_select(list(row), whole)
        return (
            upsert.on_conflict_do_update(
                index_elements=[kind.table.c.user_id, kind.table.c.id],
                set_={name: upsert.excluded[name] for name in new},
                where=kind.table.c.user_id == upsert.excluded.user_id,
            )
            .returning(*kind.table.c)
            .cte("changed")
        )

    def counted(self, me: CTE, written: CTE) -> CTE:
        at = written.c.updated_at
        row = {"id": owner, "revision": written.c.revision, "created_at": at, "updated_at": at}
        carrier = self.of(me)
        whole = select(*row.values()).select_from(carrier.join(written, self.tied(written.c.user_id)))
        upsert = insert(users).from_select(list(row), whole)
        return upsert.on_conflict_do_update(
            index_elements=[users.c.id],
            set_={"revision": upsert.excluded.revision},
            where=users.c.id == upsert.excluded.id,
        ).cte("counted")

    def answer(self, kind: Kind, columns: Sequence[ColumnElement[Any]], me: CTE, *found: CTE) -> Select[Any]:
        asked = self._asked
        joined: FromClause = asked.outerjoin(me, self.tied(me.c.owner))
        for one in found:
            joined = joined.outerjoin(one, self.tied(one.c.user_id))
        may_act = select(true()).where(owner_may_act()).limit(1).scalar_subquery()
        is_skipped = [(me.c.id.is_(None), may_act)]
        if len(found) > 1:
            is_live = select(true()).where(kind.live, kind.table.c.id == kind.id).limit(1).scalar_subquery()
            is_skipped.append((found[0].c.id.is_(None), is_live))
        head = [
            asked.c.n,
            asked.c.owner.label(ASKED_BY),
            me.c.id.is_not(None).label("is_there"),
            case(*is_skipped, else_=false()).label(IS_SKIPPED),
        ]
        return select(*head, *columns).select_from(joined)


ONE = One()
