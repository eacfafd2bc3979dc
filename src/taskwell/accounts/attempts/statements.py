"""The SQL of failed sign-ins and of sign-ups. Its rows have no owner, because an address that is tried may belong to no user."""

from sqlalchemy import CTE, ColumnElement, String, Table, case, delete, func, literal, select, union_all, update
from sqlalchemy.dialects.postgresql import insert as upsert

from taskwell.accounts.locking import ahead, the_time
from taskwell.accounts.tables import FailedSignIns, SignUps
from taskwell.database.statement import Statement, argument

WINDOW_SECONDS = 15 * 60
SIGN_UP_SECONDS = 3600

_sign_ups = SignUps.__table__  # type: ignore[attr-defined]
_failed = FailedSignIns.__table__  # type: ignore[attr-defined]
_WHY = "an attempt to sign in knows an address and not yet whose it is; no row here is a user's"

# Rows are locked in this order, so that two attempts never wait for each other in a circle.
_keys = [argument(name, String()) for name in ("address", "account", "pair")]


def _count(table: Table, name: str, keys: list[ColumnElement[str]], seconds: int) -> tuple[CTE, CTE]:
    """Adds one to the column `name` for each key, and deletes a few rows that are older than `seconds`.

    The count of a key begins again when its row is that old.
    """
    time = the_time()
    old = (
        select(table.c.key)
        .where(table.c.since < time.c.at - ahead(seconds), *[table.c.key != key for key in keys])
        .limit(10)
        .with_for_update(of=table, skip_locked=True)
        .correlate(None)
    )
    swept = delete(table).where(table.c.key.in_(old)).cte("swept")
    tried = union_all(*[select(key.label("key"), literal(1).label(name), time.c.at.label("since")) for key in keys]).cte("tried")
    new = upsert(table).from_select(["key", name, "since"], select(tried.c.key, tried.c[name], tried.c.since))
    is_old = table.c.since < new.excluded.since - ahead(seconds)
    counted = (
        new.on_conflict_do_update(
            index_elements=[table.c.key],
            set_={
                name: case((is_old, 1), else_=table.c[name] + 1),
                "since": case((is_old, new.excluded.since), else_=table.c.since),
            },
        )
        .returning(table.c.key, table.c[name], table.c.since)
        .cte("counted")
    )
    return counted, swept


def _count_failure() -> Statement:
    counted, swept = _count(_failed, "failures", _keys, WINDOW_SECONDS)

    def of(key: ColumnElement[str], value: ColumnElement[object], name: str) -> ColumnElement[object]:
        return func.max(case((counted.c.key == key, value))).label(name)

    address, account, pair = _keys
    return Statement(
        "count_failure",
        select(
            of(address, counted.c.failures, "address"),
            of(address, counted.c.since, "address_since"),
            of(account, counted.c.failures, "account"),
            of(pair, counted.c.failures, "pair"),
            of(pair, counted.c.since, "pair_since"),
            func.clock_timestamp().label("now"),
        ).add_cte(swept),
        repeatable=True,
        unscoped=_WHY,
    )


COUNT_FAILURE = _count_failure()
"""An attempt is counted as a failure before its password is checked, so that a hundred attempts at once count as a hundred.

UNCOUNT_FAILURE takes the count of a successful attempt back.
"""

_address, _account, _pair = _keys
_one_less = {"failures": func.greatest(_failed.c.failures - 1, 0)}
_of_address = update(_failed).values(_one_less).where(_failed.c.key == _address).returning(_failed.c.key).cte("of_address")
_cleared = delete(_failed).where(_failed.c.key == _pair).cte("cleared")

UNCOUNT_FAILURE = Statement(
    "uncount_failure",
    update(_failed)
    .values(_one_less)
    # The condition is always true, and is known only when the row of the address is done. So the rows are locked in the order in
    # which they are counted.
    .where(_failed.c.key == _account, select(func.count()).select_from(_of_address).scalar_subquery() >= 0)
    .add_cte(_cleared),
    unscoped=_WHY,
)
"""A successful attempt is taken back from the counts, and the count of its address and account together is deleted."""

_signing_up, _swept = _count(_sign_ups, "tries", [_address], SIGN_UP_SECONDS)

COUNT_SIGN_UP = Statement(
    "count_sign_up",
    select(_signing_up.c.tries, _signing_up.c.since, func.clock_timestamp().label("now")).add_cte(_swept),
    repeatable=True,
    unscoped=_WHY,
)
"""A try to sign up is counted by the client's address. The answer says how many there were in this hour."""
