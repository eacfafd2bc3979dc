"""An argument that is an array goes to PostgreSQL as a text where a statement runs over a set of requests."""

from hypothesis import given, settings
from hypothesis import strategies as st

from taskwell.database.statement_of_set import array_text
from tests.support import postgres

_texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]) | st.sampled_from('\\"{}, \n'), max_size=5)


def test_an_array_is_read_as_it_was_written(shared_database: str) -> None:
    @given(st.lists(st.lists(_texts | st.just("NULL"), max_size=4), min_size=1, max_size=40))
    @settings(max_examples=25)
    def read(arrays: list[list[str]]) -> None:
        texts = [array_text(array) for array in arrays]
        rows = postgres.query(shared_database, "SELECT text::text[] AS array FROM unnest($1::text[]) AS text", texts)
        assert [row["array"] for row in rows] == arrays

    read()
