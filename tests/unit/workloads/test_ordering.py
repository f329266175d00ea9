"""In which order applications are taken that need each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.paths import Path
from nexus_gql.workloads.ordering import generations


def needs(text: str) -> dict[Path, set[Path]]:
    """`a>b c` where a needs b, and c is there, too."""
    found: dict[Path, set[Path]] = {}
    for part in text.split():
        here, *there = part.split(">")
        found.setdefault(Path(here), set()).update(map(Path, there))
        for one in there:
            found.setdefault(Path(one), set())
    return found


@pytest.mark.parametrize(
    ("given_needs", "expected"),
    [
        ("", []),
        ("a b", [["a", "b"]]),
        ("a>b", [["b"], ["a"]]),
        ("a>b b>c a>c", [["c"], ["b"], ["a"]]),
        ("a>b b>a", [["a", "b"]]),
        ("a>b b>a b>c z>a", [["c"], ["a", "b"], ["z"]]),
        ("web>api api>store batch>store", [["store"], ["api", "batch"], ["web"]]),
    ],
)
def test_what_is_needed_should_come_in_an_earlier_generation(given_needs: str, expected: list[list[str]]) -> None:
    assert generations(needs(given_needs)) == expected


NAMES = [Path(name) for name in "abcdef"]
GRAPHS = st.fixed_dictionaries({name: st.sets(st.sampled_from(NAMES)) for name in NAMES})


@given(GRAPHS)
def test_all_should_come_once_and_nothing_before_what_it_needs_unless_that_needs_it_too(
    graph: dict[Path, set[Path]],
) -> None:
    found = generations(graph)
    turn = {path: number for number, one in enumerate(found) for path in one}
    assert sorted(path for one in found for path in one) == sorted(graph)
    for path, wanted in graph.items():
        for other in wanted:
            assert turn[other] < turn[path] or needs_in_turn(graph, other, path)


def needs_in_turn(graph: dict[Path, set[Path]], start: Path, end: Path) -> bool:
    seen, ahead = {start}, [start]
    while ahead:
        for path in graph[ahead.pop()] - seen:
            seen.add(path)
            ahead.append(path)
    return end in seen
