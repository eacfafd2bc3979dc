"""docs/sql.md: every statement of the program, why it exists, and its SQL. `make sql` writes it anew.

Why a statement exists is the text below its name in the source, or what stands in the same place for its family.
"""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import taskwell.app  # noqa: F401  # registers every statement
from taskwell.database.shapes import Shapes, every_statement
from taskwell.database.statement import Statement

HEAD = """\
# The SQL

Every statement that Taskwell runs, generated from the program by `make sql`; a test holds it to the program. Each statement is
bound to its owner, and that is proven ([security.md](security.md)); the few that cannot be say why.
"""


def page() -> str:
    parts = [HEAD]
    for module, reasons in sorted(_reasons().items()):
        parts.append(f"\n## {module}\n")
        parts.extend(_entry(statement, why) for statement, why in reasons)
    return "\n".join(parts)


def unexplained() -> list[str]:
    """The names of the statements of which the source does not say why they exist."""
    told = {statement.name: why for reasons in _reasons().values() for statement, why in reasons}
    return [one.name for one in every_statement() if not told.get(one.name)]


def _entry(statement: Statement, why: str) -> str:
    lines = [f"### `{statement.name}`\n", f"{' '.join(why.split())}\n"]
    if statement.unscoped:
        lines.append(f"Without an owner: {statement.unscoped}.\n")
    values = ", ".join(f"`${number}` {name}" for number, name in enumerate(statement.order, 1))
    lines.append(f"Values: {values}.\n" if values else "It takes no values.\n")
    sql = "\n".join(line.rstrip() for line in statement.sql.replace(",\n'", ",\\n'").splitlines())
    lines.append(f"```sql\n{sql}\n```\n")
    return "\n".join(lines)


def _reasons() -> dict[str, list[tuple[Statement, str]]]:
    """By module, in the order of the source."""
    found: dict[str, list[tuple[Statement, str]]] = {}
    for name in sorted(name for name in sys.modules if name.startswith("taskwell.")):
        module = importlib.import_module(name)
        values = [(label, one) for label, one in vars(module).items() if isinstance(one, Statement | Shapes)]
        if not values or module.__file__ is None:
            continue
        texts = dict(_texts(Path(module.__file__)))
        for label, one in values:
            if label in texts:  # else it is imported from where it is made
                statements = [one] if isinstance(one, Statement) else list(one)
                told = found.setdefault(name.removeprefix("taskwell."), [])
                told.extend((each, texts[label]) for each in statements)
                over_sets = [each.of_set for each in statements if each.of_set is not None]
                told.extend((each, f"For a set of requests: {texts[label]}") for each in over_sets)
    return found


def _texts(source: Path) -> Iterator[tuple[str, str]]:
    """Each name that the module gives a value, and the text below it; empty where there is none."""
    body = ast.parse(source.read_text(encoding="utf-8")).body
    for node, below in zip(body, [*body[1:], None], strict=True):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, below.value.value if is_text else ""  # type: ignore[union-attr]


if __name__ == "__main__":
    sys.stdout.write(page())
