"""Refusals as data."""

import pytest

from nexus_gql import problems
from nexus_gql.problems import Failure, Problem, ProblemCode, Refused


def test_a_problem_seen_from_further_out_should_have_a_longer_path() -> None:
    inner = Problem(ProblemCode.INVALID, "no", ("env", "2"), "remedy")
    assert inner.under("input", "patch") == Problem(ProblemCode.INVALID, "no", ("input", "patch", "env", "2"), "remedy")


def test_a_refusal_should_take_one_problem_or_many() -> None:
    one, other = Problem(ProblemCode.INVALID, "one"), Problem(ProblemCode.LIMIT, "other")
    assert Refused(one).problems == (one,)
    assert Refused(problem for problem in (one, other)).problems == (one, other)


def test_a_refusal_seen_from_further_out_should_move_each_problem() -> None:
    refusal = Refused([Problem(ProblemCode.INVALID, "one", ("a",)), Problem(ProblemCode.INVALID, "other")])
    assert [problem.path for problem in refusal.under("input").problems] == [("input", "a"), ("input",)]


@pytest.mark.parametrize("code", ProblemCode)
def test_a_code_should_be_spelled_as_it_is_named(code: ProblemCode) -> None:
    assert code.value == code.name


def test_each_failure_should_have_a_code_of_its_own() -> None:
    kinds = [kind for kind in vars(problems).values() if isinstance(kind, type) and issubclass(kind, Failure)]
    codes = [kind.code for kind in kinds]
    assert len(codes) == len(set(codes)) == 8
