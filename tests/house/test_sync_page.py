"""docs/sync.md: every promise of the contract names tests that are there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sync.md").read_text(encoding="utf-8")
PROMISES = {
    row[1]: re.findall(r"`(test_\w+)`", row[2]) for row in re.finditer(r"^\| \*\*(.+?)\*\* \|.*\|([^|]*)\|$", PAGE, re.MULTILINE)
}


def test_every_promise_of_the_contract_names_the_tests_that_hold_it() -> None:
    files = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    tests = {node.name for tree in files for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert len(PROMISES) > 5
    for name, held_by in PROMISES.items():
        assert held_by, name
        assert set(held_by) <= tests, name
