"""`taskwell config`."""

from contextlib import suppress

from taskwell.cli.database import DataDir, load_settings
from taskwell.database.embedded import lag
from taskwell.errors import CannotStart
from taskwell.observability import say


def config(data_dir: DataDir = None) -> None:
    """Show every setting and where it came from; secrets stay hidden."""
    settings = load_settings(data_dir)
    lines = settings.describe()
    name_width = max(len(line.name) for line in lines)
    value_width = max(len(line.value) for line in lines)
    for line in lines:
        print(f"{line.name:<{name_width}}  {line.value:<{value_width}}  {line.source}")
    if settings.database_url is None:
        with suppress(CannotStart):  # there is no private PostgreSQL here, which `serve` will say
            if lagging := lag():
                say(lagging, event="old_postgresql", level="warning")
