"""docs/sql.md is true: `make sql` writes it."""

from pathlib import Path

from tests.house.sql_page import page, unexplained

SQL_PAGE = Path(__file__).parents[2] / "docs" / "sql.md"


def test_the_sql_page_is_what_the_program_runs() -> None:
    assert SQL_PAGE.read_text(encoding="utf-8") == page(), "run `make sql`, and review the difference"


def test_every_statement_says_why_it_exists() -> None:
    assert unexplained() == []
