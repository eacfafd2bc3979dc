"""The SQL of failed sign-ins. They belong to nobody: an address that is tried need not be anyone's."""

from sqlalchemy import ColumnElement, String, case, delete, func, literal, select, union_all, update
from sqlalchemy.dialects.postgresql import insert as upsert

from taskwell.accounts.statements import ago
from taskwell.accounts.throttle.tables import FailedSignIns
from taskwell.database.statement import Statement, argument

WINDOW_SECONDS = 15 * 60

_failed = FailedSignIns.__table__  # type: ignore[attr-defined]
_WHY = "an attempt to sign in knows an address and not yet whose it is; no row here is a user's"

# Always in this order, so that two attempts never wait for each other in a circle.
_keys = [argument(name, String()) for name in ("address", "account", "pair")]
_now = func.clock_timestamp()


def _count() -> Statement:
    old = (
        select(_failed.c.key)
        .where(_failed.c.since < ago(WINDOW_SECONDS), *[_failed.c.key != key for key in _keys])
        .limit(10)
        .with_for_update(skip_locked=True)
    )
    swept = delete(_failed).where(_failed.c.key.in_(old)).cte("swept")
    tried = union_all(*[select(key.label("key"), literal(1).label("failures"), _now.label("since")) for key in _keys]).cte(
        "tried"
    )
    new = upsert(_failed).from_select(["key", "failures", "since"], select(tried.c.key, tried.c.failures, tried.c.since))
    is_old = _failed.c.since < ago(WINDOW_SECONDS)
    counted = (
        new.on_conflict_do_update(
            index_elements=[_failed.c.key],
            set_={
                "failures": case((is_old, 1), else_=_failed.c.failures + 1),
                "since": case((is_old, new.excluded.since), else_=_failed.c.since),
            },
        )
        .returning(_failed.c.key, _failed.c.failures, _failed.c.since)
        .cte("counted")
    )

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
            _now.label("now"),
        ).add_cte(swept),
        repeatable=True,
        unscoped=_WHY,
    )


COUNT_FAILURE = _count()
"""Counts before anything is checked, so that a hundred attempts at once are a hundred; FORGIVE takes back what was right."""

_address, _account, _pair = _keys
_one_less = {"failures": func.greatest(_failed.c.failures - 1, 0)}
_of_address = update(_failed).values(_one_less).where(_failed.c.key == _address).returning(_failed.c.key).cte("of_address")
_cleared = delete(_failed).where(_failed.c.key == _pair).cte("cleared")

FORGIVE = Statement(
    "forgive",
    update(_failed)
    .values(_one_less)
    # True, and not known before the address's row is done: the rows are locked in the order in which they are counted.
    .where(_failed.c.key == _account, select(func.count()).select_from(_of_address).scalar_subquery() >= 0)
    .add_cte(_cleared),
    unscoped=_WHY,
)
