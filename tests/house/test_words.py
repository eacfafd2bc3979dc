"""One word, one thing: what a module calls out by name is found by that name alone."""

import ast
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.house.test_house_rules import MIGRATIONS, TREES


def _constants(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        yield from (one.id for one in targets if isinstance(one, ast.Name) and one.id.isupper() and len(one.id) > 1)


def _classes(tree: ast.Module) -> Iterator[str]:
    yield from (node.name for node in tree.body if isinstance(node, ast.ClassDef))


@pytest.mark.parametrize("names_of", [_constants, _classes])
def test_no_public_name_means_two_things(names_of: object) -> None:
    assert callable(names_of)
    modules = defaultdict(list)
    for file, tree in TREES.items():
        for name in names_of(tree):
            if not name.startswith("_") and not file.startswith(MIGRATIONS):
                modules[name].append(file)
    assert len(modules) > 50
    assert {name: files for name, files in modules.items() if len(files) > 1} == {}
