"""`taskwell keys ...`."""

import typer

from taskwell.accounts.store import rotate_keys
from taskwell.cli.database import DataDir, existing_database, with_database
from taskwell.cli.token import own_tokens

app = typer.Typer(help="The keys that sign access tokens.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    pass


@app.command()
def rotate(data_dir: DataDir = None) -> None:
    """Sign new access tokens by a new key, on every server at once. Those of the old key stay good until they expire."""
    settings = existing_database(data_dir)
    tokens = own_tokens(settings)
    kid = with_database(settings, lambda db: rotate_keys(db, tokens))
    print(f"New tokens are signed by the key {kid}.")
