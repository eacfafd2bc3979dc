"""The rules of the house (docs/architecture.md), each held against the sources themselves."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import typer.main

from taskwell import errors
from taskwell.cli import app as cli
from taskwell.errors import TaskwellError
from taskwell.web import refusals
from taskwell.web.refusals import STATUS, status_of
from tests.house.rules_page import ARROWS, SIZES

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "taskwell"
TREES = {str(path.relative_to(SOURCE)): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
TESTS = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests").rglob("*.py"))
}
MIGRATIONS = "database/migrations/"
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# ---- imports -----------------------------------------------------------------------------------------------------------

EXCUSED = {
    # Importing the tables is what fills SQLModel.metadata, which Alembic compares with; nothing of ours imports env.py.
    MIGRATIONS + "env.py": {"accounts", "labels", "tasks"},
    # `python -m taskwell.api` writes contracts/openapi.json, and for that needs the whole application.
    "api/__main__.py": {"app", "settings"},
    # The command itself: it hears signals before it imports anything.
    "__main__.py": {"cli"},
}


def _part(module: str) -> str | None:
    """`taskwell.tasks.store` is of the part `tasks`; the package itself (`__version__`) is of none."""
    first, _, rest = module.partition(".")
    return (rest.partition(".")[0] or None) if first == "taskwell" else None


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they lead"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", TREES)
def test_imports_point_from_faces_to_domain_to_database(file: str) -> None:
    own = file.partition("/")[0].removesuffix(".py")
    parts = {part for name in _imports(TREES[file]) if (part := _part(name)) is not None and part != "__version__"}
    allowed = ARROWS.get(own, set()) | {own} | EXCUSED.get(file, set())
    assert parts <= allowed, f"{file} imports {parts - allowed}"


def test_every_part_has_its_place() -> None:
    parts = {file.partition("/")[0].removesuffix(".py") for file in TREES} - {"__init__", "__main__"}
    assert parts == ARROWS.keys()


@pytest.mark.parametrize("file", TREES | TESTS)
def test_no_import_sits_inside_a_function(file: str) -> None:
    functions = [node for node in ast.walk((TREES | TESTS)[file]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = [
        node.lineno for function in functions for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inner == []


@pytest.mark.parametrize("file", [MIGRATIONS + "env.py", "cli/database.py"])
def test_all_tables_are_imported_where_they_must_be_known(file: str) -> None:
    """A table that is not is none that a database is searched for, or that Alembic compares. Statements import the others."""
    found = _tables(file)
    beside = {further for table in found for further in _tables(table)}
    assert found | beside >= {file for file in TREES if file.endswith("/tables.py")}


def _tables(file: str) -> set[str]:
    """The files `tables.py` that this one imports, or something of."""
    found = (re.match(r"taskwell\.(.+\.tables)\b", name) for name in _imports(TREES[file]))
    return {match[1].replace(".", "/") + ".py" for match in found if match}


# ---- where SQL is ------------------------------------------------------------------------------------------------------

BUILDERS = {
    "Statement",
    "select",
    "insert",
    "update",
    "delete",
    "text",
    "upsert",
    "union",
    "union_all",
    "exists",
    "literal_column",
}
HOLDS_SQL = {
    "accounts/locking.py": {"select"},
    "accounts/statements.py": BUILDERS,
    "accounts/idempotency/statements.py": BUILDERS,
    "accounts/sessions/statements.py": BUILDERS,
    "accounts/api_tokens/statements.py": BUILDERS,
    "accounts/attempts/statements.py": BUILDERS,
    "changes/statements.py": {"Statement", "select", "union_all"},
    "records/asked.py": BUILDERS,
    "records/reading.py": BUILDERS,
    "records/ordering.py": {"select", "update"},
    "records/writing.py": BUILDERS,
    "records/many.py": BUILDERS,
    "records/paging.py": BUILDERS,
    "records/names.py": {"select"},
    "records/references.py": {"select"},
    "records/trash.py": BUILDERS,
    "labels/statements.py": BUILDERS,
    "lists/statements.py": {"Statement"},
    "tasks/statements.py": BUILDERS,
    "tasks/search.py": {"select"},
    "tasks/overview.py": {"Statement", "select"},
    "tasks/many/statements.py": {"Statement", "select", "update", "union_all"},
    "tasks/occurrences/statements.py": {"Statement", "select", "insert", "update", "union_all"},
    "tasks/progress.py": {"Statement", "select"},
    "tasks/tree.py": {"Statement", "select", "update", "union_all"},
    "tasks/labels/statements.py": BUILDERS,
    "tasks/labels/trash.py": {"Statement", "select", "update"},
    "tasks/trash/emptying.py": {"Statement", "select", "update", "delete"},
    "tasks/trash/purging.py": {"Statement", "select", "update", "delete", "union_all"},
    "tasks/trash/page.py": {"Statement", "select", "union_all"},
    "tasks/trash/statements.py": BUILDERS,
    "batch/statements.py": {"Statement", "select", "update"},
    "database/statement_of_set.py": {"select"},
    # The statement that asks for the version must be there before any table is known.
    "database/schema.py": {"Statement", "select"},
    # What it asks is the database's own catalog.
    "database/inspection.py": {"Statement", "select"},
    # Tables: server defaults and the predicates of partial indexes are SQL text, and run in migrations alone.
    "accounts/tables.py": {"text"},
    "labels/tables.py": {"text"},
    "lists/tables.py": {"text"},
    "tasks/tables.py": {"text"},
}


def _is_sql(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


@pytest.mark.parametrize("file", [file for file in TREES if not file.startswith(MIGRATIONS)])
def test_statements_are_built_only_where_statements_are_kept(file: str) -> None:
    imported = {
        alias.asname or alias.name
        for node in ast.walk(TREES[file])
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith(("sqlalchemy", "sqlmodel", "taskwell.database.statement"))
        for alias in node.names
        if alias.name in BUILDERS
    }
    built = {node.func.id for node in ast.walk(TREES[file]) if _is_sql(node, imported)}  # type: ignore[attr-defined]
    assert built <= HOLDS_SQL.get(file, set())
    whole = {name.name for node in ast.walk(TREES[file]) if isinstance(node, ast.Import) for name in node.names}
    assert not whole & {"sqlalchemy", "sqlmodel"}, "import the names, so that one can see which are called"


@pytest.mark.parametrize("file", TREES)
def test_no_sql_is_written_as_a_string(file: str) -> None:
    """But in migrations, and where a private PostgreSQL is made or restored."""
    if file.startswith((MIGRATIONS, "database/embedded/", "database/backup.py")):
        return
    verbs = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE|ALTER|DROP|WITH \w+ AS)\b")
    strings = [node for node in ast.walk(TREES[file]) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert [node.lineno for node in strings if verbs.match(node.value)] == []  # type: ignore[arg-type]


# ---- faces alone speak HTTP --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [file for file in TREES if not file.startswith(("api/", "web/"))])
def test_http_statuses_are_said_only_by_the_face(file: str) -> None:
    """A number that stands for a status: given as `status...=`, compared with a `.status...`, or named so."""
    said = []
    for node in ast.walk(TREES[file]):
        values: list[ast.AST] = []
        if isinstance(node, ast.keyword) and (node.arg or "").startswith("status"):
            values = [node.value]
        elif isinstance(node, ast.Compare) and any(
            "status" in getattr(side, "attr", "") for side in [node.left, *node.comparators]
        ):
            values = [node.left, *node.comparators]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any("status" in ast.unparse(target).lower() for target in targets) and node.value is not None:
                values = list(ast.walk(node.value))
        elif isinstance(node, ast.Call) and any(
            word in ast.unparse(node.func) for word in ("Response", "HTTPException", "Reply")
        ):
            values = [*node.args]
        said += [value.lineno for value in values if isinstance(value, ast.Constant) and value.value in range(100, 600)]
    assert said == []
    assert not any(name.startswith(("http.HTTPStatus", "starlette.status", "fastapi.status")) for name in _imports(TREES[file]))


# ---- sizes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [*SOURCE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")], ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines < SIZES["file"]


@pytest.mark.parametrize("file", TREES | TESTS)
def test_a_function_is_seen_at_a_glance(file: str) -> None:
    functions = [node for node in ast.walk((TREES | TESTS)[file]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {
        function.name for function in functions if (function.end_lineno or 0) - function.lineno + 1 >= SIZES["function"]
    } == set()


# ---- what is said is true ----------------------------------------------------------------------------------------------


def _raised(branch: type[TaskwellError]) -> Iterator[type[TaskwellError]]:
    """The leaves, and what has a code although there are kinds of it."""
    below = branch.__subclasses__()
    for one in below:
        yield from _raised(one)
    if not below or ("code" in vars(branch) and branch is not TaskwellError):
        yield branch


ERRORS = [error for error in _raised(TaskwellError) if error.__module__ in (errors.__name__, refusals.__name__)]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in ERRORS]
    assert len(set(codes)) == len(codes)
    assert all("code" in vars(error) for error in ERRORS), "a leaf that inherits its code would be told apart by nothing"
    assert all(error.__doc__ for error in ERRORS)


@pytest.mark.parametrize("module", [errors, refusals])
def test_every_error_is_drawn_in_the_tree_of_its_module(module: ModuleType) -> None:
    """Beneath what it is a kind of."""
    drawn: dict[str, str] = {}
    above = ["TaskwellError"]
    for margin, name in re.findall(r"^    ((?:│   |    )*)[├└]── (\w+)", module.__doc__ or "", re.MULTILINE):
        depth = 1 + len(margin) // 4
        above[depth:] = [name]
        assert name not in drawn
        drawn[name] = above[depth - 1]
    own = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    made = {one for one in own if issubclass(one, TaskwellError)} - {TaskwellError}
    kinds = {kind for one in made for kind in one.__mro__ if issubclass(kind, TaskwellError)} - {TaskwellError}
    assert drawn == {one.__name__: one.__base__.__name__ for one in kinds if one.__base__ is not None}


def test_what_the_domain_refuses_says_nothing_of_http() -> None:
    source = (SOURCE / "errors.py").read_text(encoding="utf-8").replace("with no HTTP in it", "").replace("What HTTP itself", "")
    words = r"(?i)\bhttp|header|status|location\b|\bif-(none-)?match|authorization|bearer|content-type|\ballow`|media.?type"
    assert re.findall(words, source) == []


def test_every_error_code_is_documented_with_its_status_and_no_other_is() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", page, re.MULTILINE))
    assert documented == {error.code: str(status_of(error)) for error in _answered()}
    assert len(re.findall(r"^\| `[a-z_]+` \|", page, re.MULTILINE)) == len(documented)
    assert f"`{errors.CannotStart.code}`" in page


def _answered() -> list[type[TaskwellError]]:
    """Those that a client can meet: the program that cannot start answers nobody."""
    answered = [error for error in ERRORS if error is not errors.CannotStart]
    assert all(any(kind in STATUS for kind in error.__mro__) for error in answered)
    return answered


def test_every_command_is_documented() -> None:
    command = typer.main.get_command(cli)
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS)
    missing = [line for line in _commands(command, "taskwell") if not re.search(re.escape(line) + r"\b", text)]
    assert missing == []


def _commands(command: object, line: str) -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield line
        return
    for name, one in below.items():
        yield from _commands(one, f"{line} {name}")


# ---- tidiness ----------------------------------------------------------------------------------------------------------

_DECORATORS_THAT_USE = (
    "fixture",
    "hookimpl",
    "wrong",
    "right",
    "validator",
    "rule",
    "invariant",
    "initialize",
    "precondition",
    "route",
)
_CALLED_BY_NAME = re.compile(r"pytest_\w+|__\w+__|visit_\w+|teardown|setup|process_\w+|bind_expression|log_message|do_[A-Z]+")


@pytest.mark.parametrize("file", TESTS)
def test_every_function_of_a_test_module_is_a_test_or_a_fixture_or_used(file: str) -> None:
    """`def it_works()` without its `test_` is a test that never runs."""
    tree = TESTS[file]
    used = _names_used_by_tests()
    idle = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not (node.name.startswith("test_") and Path(file).name.startswith("test_"))
        and not any(word in ast.unparse(decorator) for decorator in node.decorator_list for word in _DECORATORS_THAT_USE)
        and not _CALLED_BY_NAME.fullmatch(node.name)
        and not any(isinstance(base, ast.ClassDef) and base.bases and node in base.body for base in ast.walk(tree))
        and node.name not in used
    ]
    assert idle == []


@cache
def _names_used_by_tests() -> frozenset[str]:
    return frozenset(name for tree in TESTS.values() for name in _names_used(tree))


def _names_used(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name


WRITTEN_BY_US = [
    path
    for pattern in ("src/**/*.py", "tests/**/*.py", "docs/**/*.md", "README.md", "Makefile", "pyproject.toml", ".ci/*", "*.txt")
    for path in sorted(ROOT.glob(pattern))
]
_UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
_REGISTRY = re.compile(
    r"(pypi|registry|artifactory|nexus|npmjs|pythonhosted|crates)[\w.-]*\.(org|io|com|net|dev)|--(extra-)?index-url|/simple/?\""
)


@pytest.mark.parametrize("path", WRITTEN_BY_US, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_left_for_later_and_no_file_names_a_registry(path: Path) -> None:
    if path == Path(__file__):
        return
    text = path.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if _UNFINISHED.search(line)] == []
    assert [line for line in text.splitlines() if _REGISTRY.search(line)] == []
