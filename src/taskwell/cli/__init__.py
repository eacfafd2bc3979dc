"""The terminal face, with all of its commands in one list."""

import gc
import signal
import sys
from collections import UserDict
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from taskwell import __version__, observability
from taskwell.cli.called import as_called
from taskwell.cli.standard_streams import finish_output, prepare_streams
from taskwell.environment import wished_log_format
from taskwell.errors import TaskwellError

_FOUND_IN = {
    "serve": "serve:serve",
    "migrate": "migrate:migrate",
    "config": "config:config",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "purge": "purge:purge",
    "export": "transfer:export_",
    "import": "transfer:import_",
    "token": "token:token",
    "users": "users:app",
    "tokens": "tokens:app",
    "keys": "keys:app",
}


class _Imported(UserDict[str, Any]):
    """The commands by their names. Each is imported when it is asked for: what all of them need takes more than a second."""

    def __getitem__(self, name: str) -> Any:
        module, _, found = self.data[name].partition(":")
        command = getattr(import_module(f"taskwell.cli.{module}"), found)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        if isinstance(command, typer.Typer):
            alone.add_typer(command, name=name)
        else:
            alone.command(name)(command)
        return typer.main.get_group(alone).commands[name]


class _Commands(TyperGroup):
    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.commands = _Imported(_FOUND_IN)


app = typer.Typer(
    name="taskwell",
    cls=_Commands,
    help="A multi-user task backend. Settings come from the environment and .env: see `taskwell config`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"taskwell {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version and exit."),
) -> None:
    # The command is imported by now, and stays (taskwell/__main__.py): no collection walks over it, nor one of a forked worker.
    gc.freeze()
    gc.enable()


def _refuse(message: str, code: int) -> NoReturn:
    observability.say(message, event="cannot_start", level="error")
    sys.exit(code)


def main() -> None:
    """The command `taskwell`: a refusal is one line on standard error and exit code 1, never a traceback."""
    prepare_streams()
    # The refusal says what is wrong; without this line, warnings would go to standard output.
    observability.configure(wished_log_format(), "error")
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        try:
            # For people, Typer itself says what is wrong with their words, in several lines.
            sys.exit(app(standalone_mode=not observability.says_json()))
        finally:
            finish_output()
    except TaskwellError as error:
        _refuse(as_called(error.message), 1)
    except typer.TyperException as error:
        _refuse(error.format_message(), error.exit_code)
    except typer.Abort:
        _refuse("aborted", 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not observability.says_json():
            raise
        observability.log_crash(error)
        sys.exit(1)
