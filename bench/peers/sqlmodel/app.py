"""The usual stack, as a good engineer writes it from the documentation of FastAPI and SQLModel.

An async engine with a pool that is pinged, a session a request, response models, the signed-in user from a dependency.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import jwt
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import DateTime
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

SECRET_KEY = os.environ["SECRET_KEY"]
ALGORITHM = "HS256"


class TaskBase(SQLModel):
    title: str = Field(min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=16_384)
    is_completed: bool = False


class Task(TaskBase, table=True):
    __tablename__ = "tasks"

    user_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    completed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC), sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC), sa_type=DateTime(timezone=True))
    deleted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revision: int = 1


class TaskCreate(TaskBase):
    pass


class TaskUpdate(SQLModel):
    title: str | None = Field(default=None, min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=16_384)
    is_completed: bool | None = None


class TaskPublic(TaskBase):
    id: UUID
    user_id: UUID
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int


_url = urlsplit(os.environ["DATABASE_URL"])
_host = parse_qs(_url.query)["host"][0]
engine = create_async_engine(
    f"postgresql+asyncpg://{_url.username}@/{_url.path[1:]}",
    connect_args={"host": _host, "server_settings": {"timezone": "UTC"}},
    pool_size=int(os.environ["POOL_SIZE"]),
    max_overflow=0,
    pool_pre_ping=True,
)

app = FastAPI()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")


async def get_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> UUID:
    try:
        return UUID(jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM])["sub"])
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED, "Could not validate credentials", {"WWW-Authenticate": "Bearer"}
        ) from None


SessionDep = Annotated[AsyncSession, Depends(get_session)]
CurrentUser = Annotated[UUID, Depends(get_current_user)]


async def get_task(task_id: UUID, session: SessionDep, user_id: CurrentUser) -> Task:
    task = await session.get(Task, (user_id, task_id))
    if task is None or task.deleted_at is not None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Task not found")
    return task


OwnTask = Annotated[Task, Depends(get_task)]


def update(task: Task, changes: TaskUpdate) -> None:
    task.sqlmodel_update(changes.model_dump(exclude_unset=True))
    task.updated_at = datetime.now(UTC)
    task.completed_at = (task.completed_at or task.updated_at) if task.is_completed else None


@app.get("/api/v1/tasks", response_model=list[TaskPublic])
async def list_tasks(session: SessionDep, user_id: CurrentUser, limit: int = 20, offset: int = 0) -> object:
    statement = (
        select(Task)
        .where(Task.user_id == user_id, col(Task.deleted_at).is_(None))
        .order_by(col(Task.created_at).desc(), col(Task.id).desc())
        .offset(offset)
        .limit(limit)
    )
    return (await session.exec(statement)).all()


@app.get("/api/v1/tasks/{task_id}", response_model=TaskPublic)
async def read_task(task: OwnTask) -> Task:
    return task


@app.post("/api/v1/tasks", response_model=TaskPublic, status_code=201)
async def create_task(new: TaskCreate, session: SessionDep, user_id: CurrentUser) -> Task:
    completed_at = datetime.now(UTC) if new.is_completed else None
    task = Task.model_validate(new, update={"user_id": user_id, "completed_at": completed_at})
    session.add(task)
    await session.commit()
    return task


@app.patch("/api/v1/tasks/{task_id}", response_model=TaskPublic)
async def change_task(changes: TaskUpdate, task: OwnTask, session: SessionDep) -> Task:
    update(task, changes)
    await session.commit()
    return task


@app.put("/api/v1/tasks/{task_id}", response_model=TaskPublic)
async def replace_task(whole: TaskCreate, task: OwnTask, session: SessionDep) -> Task:
    update(task, TaskUpdate(**whole.model_dump()))
    await session.commit()
    return task


@app.delete("/api/v1/tasks/{task_id}", status_code=204)
async def delete_task(task: OwnTask, session: SessionDep) -> None:
    await session.delete(task)
    await session.commit()
