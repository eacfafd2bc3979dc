"""`taskwell tokens ...`."""

import json
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from taskwell.accounts.api_tokens.requests import NewApiToken
from taskwell.accounts.api_tokens.store import create_api_token, delete_api_token, list_api_tokens
from taskwell.accounts.store import find_account, read_account
from taskwell.cli.database import AccountName, DataDir, existing_database, with_database
from taskwell.cli.users import refusal
from taskwell.database.connection import Database
from taskwell.errors import InvalidInput
from taskwell.identity.scopes import SCOPES

app = typer.Typer(help="API tokens: for scripts and assistants.", no_args_is_help=True)


def _scope(text: str) -> str:
    if text not in SCOPES:
        raise typer.BadParameter(f"must be one of {', '.join(SCOPES)}")
    return text


@app.command()
def add(
    email: AccountName,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(parser=_scope, metavar="SCOPE", help=f"May be repeated: {', '.join(SCOPES)}.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it is valid.")] = 90,
    data_dir: DataDir = None,
) -> None:
    """Print a new API token, this one time."""
    settings = existing_database(data_dir)
    try:
        new = NewApiToken.model_validate({"name": name, "scopes": scope, "expires_in_days": days})
    except ValidationError as error:
        raise refusal(error) from None

    async def work(db: Database) -> str:
        owner = await find_account(db, email)
        if "admin" in new.scopes and not (await read_account(db, owner)).is_admin:
            raise InvalidInput(f"admin is for administrators alone: `taskwell users make-admin {email}` makes one")
        return str(json.loads(await create_api_token(db, owner, new.name, new.scopes, days=new.expires_in_days))["token"])

    print(with_database(settings, work))


@app.command("list")
def list_(email: AccountName, data_dir: DataDir = None) -> None:
    """Show the API tokens of an account, without what is secret of them."""
    settings = existing_database(data_dir)

    async def work(db: Database) -> str:
        return await list_api_tokens(db, await find_account(db, email))

    for one in json.loads(f"[{with_database(settings, work)}]"):
        used = one["last_used_at"][:10] if one["last_used_at"] else "never"
        name = _on_one_line(one["name"])
        print(f"{one['id']}  …{one['ends_with']}  {name}  {one['scope']}  until {one['expires_at'][:10]}  used {used}")


def _on_one_line(name: str) -> str:
    """Escapes control characters: a user chose the name, and the operator's terminal would obey them."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name)


@app.command()
def delete(
    email: AccountName,
    token_id: Annotated[UUID, typer.Argument(help="As `taskwell tokens list` shows it.")],
    data_dir: DataDir = None,
) -> None:
    """Delete an API token: the very next request with it is refused."""
    settings = existing_database(data_dir)

    async def work(db: Database) -> None:
        await delete_api_token(db, await find_account(db, email), token_id)

    with_database(settings, work)
    print("Deleted.")
