"""`taskwell users ...`."""

from typing import Annotated

import typer

from taskwell.accounts.store import set_admin
from taskwell.cli.database import with_database
from taskwell.settings import Settings

app = typer.Typer(help="Look after accounts, from the shell of the machine.", no_args_is_help=True)


@app.command("make-admin")
def make_admin(email: Annotated[str, typer.Argument(help="The address of the account.")]) -> None:
    """Let an account read and write every user's tasks, under /users/{user_id}."""
    with_database(Settings.load(), lambda db: set_admin(db, email, is_admin=True))
    print(f"{email} is an administrator.")
