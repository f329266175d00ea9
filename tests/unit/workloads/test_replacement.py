"""What would have to be made anew, and in which words that is refused."""

from typing import Any

import pytest

from nexus_gql.clusters import Invalid, Status
from nexus_gql.hierarchy import WorkloadKind
from nexus_gql.workloads.rendering import PATH
from nexus_gql.workloads.replacement import Fixed, as_another_kind, fixed, immutable, refuse_another_kind

SAID = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden"


def refused(text: str = SAID) -> Invalid:
    return Invalid(text, Status(422, "Invalid", text))


def manifest(kind: str, called: str = "churn", **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": called, "annotations": {PATH: "or/local/models/churn"}}, "spec": spec}


def stateful(**volumes: tuple[str, str | None]) -> dict[str, Any]:
    """A StatefulSet with volumes of a size and storage class."""
    templates = [
        {
            "metadata": {"name": name},
            "spec": {"resources": {"requests": {"storage": size}}}
            | ({} if storage is None else {"storageClassName": storage}),
        }
        for name, (size, storage) in volumes.items()
    ]
    return manifest("StatefulSet", volumeClaimTemplates=templates) if templates else manifest("StatefulSet")


STATEFUL: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "a new one": (stateful(), stateful(data=("1Gi", None)), ("volumes.data",)),
    "one that is gone": (stateful(data=("1Gi", None)), stateful(), ("volumes.data",)),
    "a size": (stateful(data=("1Gi", None)), stateful(data=("2Gi", None)), ("volumes.data",)),
    "a storage class": (stateful(data=("1Gi", "slow")), stateful(data=("1Gi", "fast")), ("volumes.data",)),
    "a name": (
        stateful(a=("1Gi", None), same=("1Gi", None)),
        stateful(b=("1Gi", None), same=("1024Mi", None)),
        ("volumes.a", "volumes.b"),
    ),
    "one that is called as the place of the files": (
        stateful(),
        stateful(**{"data-files": ("1Gi", None)}),
        ("volumes.files",),
    ),
    "nothing that is declared": (stateful(), stateful(), ()),
}


@pytest.mark.parametrize("case", STATEFUL.values(), ids=STATEFUL)
def test_the_volumes_that_cannot_change_should_be_named(case: tuple[Any, Any, tuple[str, ...]]) -> None:
    there, wanted, settings = case
    assert fixed(wanted, there, refused()).settings == settings


def test_a_refusal_should_begin_in_plain_words_and_end_in_kubernetes_own() -> None:
    found = fixed(stateful(a=("1Gi", None), b=("1Gi", None)), stateful(), refused())
    assert str(found) == (
        f"`volumes.a` and `volumes.b` cannot change while the StatefulSet `churn` is there. Kubernetes says: {SAID}"
    )
    other = fixed(manifest("Job"), manifest("Job"), refused("spec.template: field is immutable"))
    assert str(other) == (
        "The Job `churn` that is there cannot become what is declared. Kubernetes says: spec.template: field is immutable"
    )
    assert "recreate" in other.remedy


def test_a_volume_should_not_be_made_anew_since_its_data_would_go() -> None:
    claim = manifest("PersistentVolumeClaim", "churn-churn-data")
    found = fixed(claim, claim, refused())
    assert found.settings == ("volumes.churn-data",)
    assert "another name" in found.remedy
    assert "recreate" not in found.remedy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SAID, True),
        ("spec.selector: Invalid value: field is immutable", True),
        ("spec: Forbidden: spec is immutable after creation except resources.requests", True),
        ("spec.replicas: Invalid value: -1: must be greater than or equal to 0", False),
    ],
)
def test_what_cannot_change_should_be_told_from_what_is_wrong(text: str, expected: bool) -> None:
    assert immutable(refused(text)) is expected


KINDS = {
    WorkloadKind.DEPLOYMENT: "Deployment",
    WorkloadKind.STATEFUL_SET: "StatefulSet",
    WorkloadKind.DAEMON_SET: "DaemonSet",
    WorkloadKind.JOB: "Job",
    WorkloadKind.CRON_JOB: "CronJob",
}


@pytest.mark.parametrize("before", WorkloadKind)
@pytest.mark.parametrize("after", WorkloadKind)
def test_every_other_kind_should_need_recreate_and_the_same_one_not(before: WorkloadKind, after: WorkloadKind) -> None:
    there, wanted = [manifest("Service"), manifest(KINDS[before])], [manifest("Service"), manifest(KINDS[after])]
    if before is after:
        assert as_another_kind(before, after) is None
        refuse_another_kind(there, wanted)
        return
    with pytest.raises(Fixed) as caught:
        refuse_another_kind(there, wanted)
    assert caught.value.settings == ("workload",)
    assert f"runs as a {before} and would be made anew as a {after}" in str(caught.value)
    assert "recreate" in caught.value.remedy


RUN = {"kind": "Job", "metadata": {"name": "churn-x", "ownerReferences": [{"kind": "CronJob", "name": "churn"}]}}


@pytest.mark.parametrize(
    "there",
    [[], [manifest("Service")], [manifest("Deployment"), manifest("StatefulSet")], [RUN]],
    ids=["nothing", "no workload", "one that has begun to take the other's place", "a run that goes with its owner"],
)
def test_what_would_not_be_made_anew_should_go_on(there: list[dict[str, Any]]) -> None:
    refuse_another_kind(there, [manifest("StatefulSet")])
