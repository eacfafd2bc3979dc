"""By which words this program can be called again, in the terminal that it was called from."""

import shlex
import shutil
import sys
from pathlib import Path


def as_called(text: str) -> str:
    """The text, whose commands (`taskwell ...`) can then be pasted."""
    return text.replace("`taskwell ", f"`{_name()} ")


def _name() -> str:
    called = Path(sys.argv[0])
    if called.name != "taskwell":  # `python -m`, and whatever else calls main()
        return "taskwell"
    found = shutil.which("taskwell")
    return "taskwell" if found is not None and called.samefile(found) else shlex.quote(str(called))
