"""The recordings of both apiservers against each other: all that differs is in the table, and all in the table differs."""

import json
import re
from pathlib import Path

from .differences import DIFFERENCES
from .shapes import Shape

RECORDED = Path(__file__).with_name("recorded")


def recorded(server: str) -> dict[str, Shape]:
    """What was recorded of an apiserver, by observation."""
    found: dict[str, Shape] = json.loads((RECORDED / f"{server}.json").read_text(encoding="utf-8"))
    return found


def differing() -> set[tuple[str, str]]:
    """Observations and fields in which the sandbox differs."""
    real, sandbox = recorded("real"), recorded("sandbox")
    return {
        (what, field)
        for what in real.keys() & sandbox.keys()
        for field in real[what].keys() | sandbox[what].keys()
        if real[what].get(field, ...) != sandbox[what].get(field, ...)
    }


def test_the_sandbox_should_differ_from_a_real_cluster_only_where_the_table_says_so() -> None:
    unexplained = [
        (what, field)
        for what, field in sorted(differing())
        if not any(re.fullmatch(one.observation, what) and re.fullmatch(one.field, field) for one in DIFFERENCES)
    ]
    assert unexplained == []


def test_each_difference_in_the_table_should_still_be_one() -> None:
    gone = [
        one
        for one in DIFFERENCES
        if not any(
            re.fullmatch(one.observation, what) and re.fullmatch(one.field, field) for what, field in differing()
        )
    ]
    assert gone == []


def test_both_should_have_been_asked_the_same() -> None:
    assert recorded("real").keys() == recorded("sandbox").keys()
    assert len(recorded("real")) > 50
