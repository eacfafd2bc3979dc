"""docs/house-rules.md names each test that holds a rule, and no other."""

import ast
from pathlib import Path

from tests.house.rules_page import ARROWS, HELD_BY, SIZES

FILES = sorted(Path(__file__).parent.glob("test_*.py"))


def _tests() -> set[str]:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in FILES if file != Path(__file__)]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {function.name for function in functions if function.name.startswith("test_")}


def test_the_page_names_each_house_test_and_no_other() -> None:
    assert _tests() == HELD_BY


def test_the_page_has_arrows_and_sizes() -> None:
    assert SIZES.keys() == {"file", "function"}
    assert {part for targets in ARROWS.values() for part in targets} <= ARROWS.keys()
    assert "api" not in ARROWS["cli"]
    assert not any({"api", "cli"} & targets for part, targets in ARROWS.items() if part not in ("app", "api", "cli"))
