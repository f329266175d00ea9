"""Pages and cursors, of plain lists."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.problems import BadRequest
from nexus_gql.schema.paging import cursor, key_at, page_of


def page(items: list[str], first: int, after: str | None) -> tuple[list[str], str | None]:
    found, info = page_of(items, "words", lambda word: [word], list[str], first=first, after=after)
    return list(found), info.end_cursor


@given(st.lists(st.text(), unique=True), st.integers(1, 5))
def test_pages_should_make_up_the_list(words: list[str], first: int) -> None:
    words.sort()
    read: list[str] = []
    after: str | None = None
    while len(read) < len(words):
        found, after = page(words, first, after)
        assert found
        read += found
    assert read == words


@pytest.mark.parametrize("key", [["a:b", ""], ["é"], []])
def test_a_key_should_come_back_as_it_was(key: list[str]) -> None:
    assert key_at("words", cursor("words", key), list[str]) == key


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(cursor("names", ["a"]), id="of another list, whose keys look alike"),
        pytest.param(cursor("words", [1]), id="another key"),
        pytest.param(base64.b64encode(json.dumps(["a"]).encode()).decode(), id="of no list"),
        pytest.param("", id="nothing"),
        pytest.param("é", id="no base64"),
        pytest.param("nonsense", id="nonsense"),
    ],
)
def test_a_cursor_that_is_not_of_this_list_should_be_a_bad_request(text: str) -> None:
    """A page of pods after a cursor of applications was empty, as if there were no more."""
    with pytest.raises(BadRequest):
        page(["a", "b"], 1, text)
