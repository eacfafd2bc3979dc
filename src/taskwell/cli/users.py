"""`taskwell users ...`."""

import sys
from getpass import getpass
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, SecretStr, ValidationError

from taskwell.accounts import store
from taskwell.accounts.passwords import Passwords
from taskwell.accounts.requests import NewAccount, PasswordChange
from taskwell.cli.database import AccountName, DataDir, existing_database, with_database
from taskwell.database.connection import Database
from taskwell.errors import InvalidInput

M = TypeVar("M", bound=BaseModel)

app = typer.Typer(help="Look after accounts, from the shell of the machine.", no_args_is_help=True)


@app.command()
def add(
    email: AccountName,
    name: Annotated[str | None, typer.Option(help="What the person is called.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Make them an administrator.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Make an account, also where registration is closed. The password is asked for, or read from standard input."""
    settings = existing_database(data_dir)
    new = _checked(NewAccount, email=email, password=SecretStr(_password()), display_name=name)

    async def work(db: Database) -> None:
        passwords = Passwords()
        await store.add_user(db, passwords, new)
        passwords.close()
        if admin:
            await store.set_admin(db, await store.find_account(db, email), is_admin=True)

    with_database(settings, work)
    print(f"{email} can sign in.")


@app.command("list")
def list_(data_dir: DataDir = None) -> None:
    """Show all accounts."""
    settings = existing_database(data_dir)
    users = with_database(settings, store.list_users)
    for user in sorted(users, key=lambda user: user["email"] or ""):
        marks = [mark for mark, is_so in (("admin", user["is_admin"]), ("disabled", user["disabled_at"])) if is_so]
        print(f"{user['id']}  {user['email'] or '(signs in elsewhere)'}  {user['created_at'][:10]}  {' '.join(marks)}".rstrip())


@app.command()
def disable(email: AccountName, data_dir: DataDir = None) -> None:
    """Refuse an account everything, from its very next request on. Its tasks stay."""
    settings = existing_database(data_dir)

    async def work(db: Database) -> None:
        await store.set_disabled(db, await store.find_account(db, email), is_disabled=True)

    with_database(settings, work)
    print(f"{email} is disabled.")


@app.command()
def enable(email: AccountName, data_dir: DataDir = None) -> None:
    """Let a disabled account sign in again."""
    settings = existing_database(data_dir)

    async def work(db: Database) -> None:
        await store.set_disabled(db, await store.find_account(db, email), is_disabled=False)

    with_database(settings, work)
    print(f"{email} can sign in again.")


@app.command()
def delete(
    email: AccountName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Delete an account and everything in it. There is no way back."""
    settings = existing_database(data_dir)
    if not yes and not typer.confirm(f"Delete {email} and all their tasks?"):
        raise typer.Exit(1)

    async def work(db: Database) -> None:
        await store.remove_account(db, await store.find_account(db, email))

    with_database(settings, work)
    print(f"{email} is deleted.")


@app.command("set-password")
def set_password(email: AccountName, data_dir: DataDir = None) -> None:
    """Give an account a new password, which ends every sign-in of it. It is asked for, or read from standard input."""
    settings = existing_database(data_dir)
    new = _checked(
        PasswordChange, current_password=SecretStr(""), new_password=SecretStr(_password())
    ).new_password.get_secret_value()

    async def work(db: Database) -> None:
        passwords = Passwords()
        await store.set_password(db, passwords, await store.find_account(db, email), new)
        passwords.close()

    with_database(settings, work)
    print(f"{email} has a new password.")


@app.command("make-admin")
def make_admin(
    email: AccountName,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Let an account read and write every user's tasks, under /users/{user_id}."""
    settings = existing_database(data_dir)

    async def work(db: Database) -> None:
        await store.set_admin(db, await store.find_account(db, email), is_admin=not undo)

    with_database(settings, work)
    print(f"{email} is {'no longer an' if undo else 'an'} administrator.")


def _password() -> str:
    """A password is never an argument, because arguments are in the shell's history and in the list of processes."""
    try:
        if not sys.stdin.isatty():
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        first, again = getpass("Password: "), getpass("Once more: ")
        first.encode()  # a byte of another encoding is an error of the terminal's, or a surrogate of standard input's
    except UnicodeError:
        raise InvalidInput("password: must be UTF-8") from None
    if again != first:
        raise typer.BadParameter("the two are not the same")
    return first


def _checked(model: type[M], **given: Any) -> M:
    try:
        return model(**given)
    except ValidationError as error:
        raise refusal(error) from None


def refusal(error: ValidationError) -> InvalidInput:
    """The refusal in one line: the first field that is wrong, and why."""
    first = error.errors(include_input=False, include_url=False)[0]
    return InvalidInput(f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}")
