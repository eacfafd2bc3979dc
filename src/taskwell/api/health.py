"""`/healthz` says whether the process is alive, without a look at the database. `/readyz` says whether it can serve."""

import time
from dataclasses import dataclass

from fastapi import APIRouter

from taskwell.api.answers import READS, refuses
from taskwell.api.dependencies import DatabaseItself
from taskwell.api.documents import Health, Ready
from taskwell.database.connection import Database
from taskwell.database.inspection import INSPECTION, Inspection, inspection_arguments
from taskwell.database.schema import SCHEMA_STATE, Fit, fit
from taskwell.errors import DatabaseUnavailable
from taskwell.log import log
from taskwell.web.reply import Reply, json_reply
from taskwell.web.request import ApiRequest

router = APIRouter(tags=["health"])

READINESS_KEPT_SECONDS = 10.0
"""An orchestrator may ask every second, but a serverless database must be able to sleep."""


@dataclass
class Readiness:
    """It keeps the last good answer. A bad answer is not kept, so that a client sees at once that the database is back."""

    answer: str = ""
    until: float = 0.0
    failures: int = 0  # the database's count when the answer was made: after one more failure, the database is asked again


@router.get("/healthz", response_model=Health, responses=refuses())
async def live() -> Reply:
    """The process answers."""
    return json_reply(200, '{"status":"ok"}')


@router.get("/readyz", response_model=Ready, responses=refuses(*READS))
async def ready(request: ApiRequest, db: DatabaseItself) -> Reply:
    """The database answers and its schema fits; the answer is kept for some seconds."""
    readiness = request.services.of_face(Readiness)
    if time.monotonic() >= readiness.until or db.failures != readiness.failures:
        readiness.failures = db.failures
        readiness.answer = await _ask(db, "none" if request.services.sign_in is None else "token")
        readiness.until = time.monotonic() + READINESS_KEPT_SECONDS
    return json_reply(200, readiness.answer)


async def _ask(db: Database, auth: str) -> str:
    asked = time.time()
    row = await db.row(SCHEMA_STATE)
    if row is not None:
        db.clock.compare(row["now"].timestamp(), asked, time.time())
    schema = fit(None if row is None else row["version"])
    if schema is Fit.BEHIND:
        raise DatabaseUnavailable("The database's schema is older than this program: run `taskwell migrate`.")
    found = await db.row(INSPECTION, **inspection_arguments())
    unfit = None if row is None or found is None else Inspection(found, row["version"]).unfit()
    if unfit is not None:
        log.warning("database_unfit", why=unfit)
        raise DatabaseUnavailable("The database does not fit this program: its log says why.")
    skew = f',"clock_skew_seconds":{db.clock.ahead:.1f}' if db.clock.is_skewed else ""
    return f'{{"status":"ok","schema":"{schema.value}","auth":"{auth}"{skew}}}'
