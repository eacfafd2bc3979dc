"""`taskwell config`."""

from taskwell.settings import Settings


def config() -> None:
    """Show every setting and where it came from; secrets stay hidden."""
    lines = Settings.load().describe()
    name_width = max(len(line.name) for line in lines)
    value_width = max(len(line.value) for line in lines)
    for line in lines:
        print(f"{line.name:<{name_width}}  {line.value:<{value_width}}  {line.source}")
