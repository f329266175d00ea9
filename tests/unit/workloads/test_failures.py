"""What an operation that cannot go on says, and what a person is told to do."""

import pytest

from nexus_gql.clusters import Cause, Conflicting, Denied, Invalid, Missing, Status, Unreachable
from nexus_gql.workloads import OperationKind
from nexus_gql.workloads.apply import FieldConflict, ForeignObject, Overtaken
from nexus_gql.workloads.failures import FINAL, failure_of, unreachable
from nexus_gql.workloads.replacement import Fixed
from nexus_gql.workloads.secret_values import LostSecret
from nexus_gql.workloads.taken_names import TakenName


def said(code: int, reason: str, message: str = "no") -> tuple[str, Status]:
    return message, Status(code, reason, message, (Cause("x", message, "spec"),))


CASES: list[tuple[Exception, str, str | None]] = [
    (ForeignObject("theirs"), "Conflict", "takeOver"),
    (FieldConflict("theirs"), "Conflict", "takeOver"),
    (TakenName("a neighbour's", "or/local/models/churn"), "NameTaken", "another name"),
    (Overtaken(7), "Overtaken", "newer operation"),
    (LostSecret("gone"), "MissingSecret", None),
    (Invalid(*said(422, "Invalid")), "Invalid", "the setting"),
    (Fixed("`volumes.data` cannot change."), "Immutable", "recreate"),
    (Missing(*said(404, "NotFound")), "NotFound", "being deleted"),
    (Invalid(*said(403, "Forbidden")), "Forbidden", "quota"),
    (Conflicting(*said(409, "AlreadyExists")), "AlreadyExists", None),
    (Conflicting(*said(409, "")), "Refused", None),
    (Denied("may not"), "Forbidden", "credentials"),
]


@pytest.mark.parametrize(("error", "reason", "remedy"), CASES, ids=lambda case: type(case).__name__)
def test_what_is_final_should_be_told_with_its_remedy(error: Exception, reason: str, remedy: str | None) -> None:
    failure = failure_of(error)
    assert (failure.reason, str(error) in failure.message) == (reason, True)
    assert (failure.remedy is None) if remedy is None else (remedy in (failure.remedy or ""))


def test_all_that_is_final_should_have_a_case() -> None:
    assert all(any(isinstance(error, kind) for error, *_ in CASES) for kind in FINAL)


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (OperationKind.DEPLOY, "deploy again"),
        (OperationKind.REMOVE, "updateCluster"),
        (OperationKind.DELETE, "without"),
    ],
)
def test_a_cluster_that_does_not_answer_should_leave_a_way_out(kind: OperationKind, remedy: str) -> None:
    failure = unreachable(Unreachable("no answer"), kind)
    assert (failure.reason, failure.message) == ("ClusterUnreachable", "no answer")
    assert remedy in (failure.remedy or "")


def test_a_neighbour_should_be_kept_beside_the_words_that_everybody_reads() -> None:
    failure = failure_of(TakenName("another application's", "or/local/models/churn"))
    assert failure.holder == "or/local/models/churn"
    assert "churn" not in f"{failure.message} {failure.remedy}"
