"""The terminal face, with all of its commands in one list."""

import shlex
import shutil
import signal
import sys
from pathlib import Path

import typer

from taskwell import __version__, observability
from taskwell.cli import backup, config, keys, migrate, purge, serve, token, tokens, transfer, users
from taskwell.environment import wished_log_format
from taskwell.errors import TaskwellError

app = typer.Typer(
    name="taskwell",
    help="A multi-user task backend. Settings come from the environment and .env: see `taskwell config`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("migrate")(migrate.migrate)
app.command("config")(config.config)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("purge")(purge.purge)
app.command("export")(transfer.export_)
app.command("import")(transfer.import_)
app.command("token")(token.token)
app.add_typer(users.app, name="users")
app.add_typer(tokens.app, name="tokens")
app.add_typer(keys.app, name="keys")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"taskwell {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version and exit."),
) -> None:
    pass


def _as_called() -> str:
    """The words by which this program can be called again, in the terminal that it was called from."""
    called = Path(sys.argv[0])
    if called.name != "taskwell":  # `python -m`, and whatever else calls main()
        return "taskwell"
    found = shutil.which("taskwell")
    return "taskwell" if found is not None and called.samefile(found) else shlex.quote(str(called))


def main() -> None:
    """The command `taskwell`: a refusal is one line on standard error and exit code 1, never a traceback."""
    # The refusal says what is wrong; without this line, warnings would go to standard output.
    observability.configure(wished_log_format(), "error")
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app()
    except TaskwellError as error:
        message = error.message.replace("`taskwell ", f"`{_as_called()} ")
        observability.say(message, event="cannot_start", level="error")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not observability.says_json():
            raise
        observability.log_crash(error)
        sys.exit(1)
