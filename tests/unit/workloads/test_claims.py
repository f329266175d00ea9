"""Which claims two applications of one namespace would both have."""

import re
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nexus_gql.hierarchy import Document
from nexus_gql.paths import Path
from nexus_gql.workloads.claims import Claim, candidates, declared, stem
from nexus_gql.workloads.manifests import render
from nexus_gql.workloads.rendering import Rendering

PODS = range(12)


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("data-churn-0", "data-churn"),
        ("data-churn-10", "data-churn"),
        ("data-churn-00", None),
        ("data-churn-01", None),
        ("data-churn", None),
        ("data-churn-0x", None),
        ("0", None),
        ("-0", None),
    ],
)
def test_the_number_of_a_pod_should_be_known_as_kubernetes_writes_it(name: str, before: str | None) -> None:
    assert stem(name) == before


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        (Claim("data-churn", numbered=True), Claim("data-churn-0"), "data-churn-0"),
        # Which pods there are today says nothing: it may be scaled.
        (Claim("data-churn", numbered=True), Claim("data-churn-7"), "data-churn-7"),
        (Claim("data-churn", numbered=True), Claim("data-churn-00"), None),
        (Claim("data-churn", numbered=True), Claim("data-churn"), None),
        (Claim("data-churn", numbered=True), Claim("data-churn-x-0"), None),
        (Claim("a-b-c", numbered=True), Claim("a-b-c", numbered=True), "a-b-c-0"),
        (Claim("a-b", numbered=True), Claim("a-b-0", numbered=True), None),
        (Claim("churn-a-b"), Claim("churn-a-b"), "churn-a-b"),
        (Claim("churn-0"), Claim("churn-1"), None),
    ],
)
def test_a_claim_that_both_would_have_should_be_named(one: Claim, other: Claim, name: str | None) -> None:
    assert (one.shared_with(other), other.shared_with(one)) == (name, name)


def settings(workload: str, *volumes: str) -> Document:
    named = {f"volumes.{volume}": {"mountPath": f"/{volume}", "size": "1Gi"} for volume in volumes}
    return {"image.repository": "or/model", "workload": workload, **named}


def on_cluster(path: Path, document: Document) -> set[str]:
    """The names that Kubernetes gives to claims, from the manifests themselves."""
    found = set()
    for one in render(Rendering(path, "app", "inst", "ns", document, {})):
        name = one["metadata"]["name"]
        if one["kind"] == "PersistentVolumeClaim":
            found.add(name)
        for template in one["spec"].get("volumeClaimTemplates", ()) if one["kind"] == "StatefulSet" else ():
            found |= {f"{template['metadata']['name']}-{name}-{pod}" for pod in PODS}
    return found


names = st.lists(st.sampled_from(["a", "b", "0", "11", "01", "files"]), min_size=1, max_size=3).map("-".join)
applications = st.tuples(names, st.sampled_from(["DEPLOYMENT", "STATEFUL_SET"]), st.lists(names, max_size=2))


@given(applications, applications)
@example(("churn", "STATEFUL_SET", ["data"]), ("data", "DEPLOYMENT", ["churn-0"]))
@example(("b-c", "STATEFUL_SET", ["a"]), ("c", "STATEFUL_SET", ["a-b"]))
@example(("churn", "STATEFUL_SET", ["files"]), ("data", "DEPLOYMENT", ["files-churn-3"]))
@example(("churn", "STATEFUL_SET", ["data"]), ("data-churn", "DEPLOYMENT", ["4"]))
def test_what_is_declared_should_tell_what_would_be_one_claim_on_a_cluster(
    one: tuple[str, str, list[str]], other: tuple[str, str, list[str]]
) -> None:
    """And each of the two should find the other by its name alone."""
    (mine, my_path), (theirs, their_path) = (
        (settings(workload, *volumes), Path(f"or/local/models/{name}")) for name, workload, volumes in (one, other)
    )
    told = [
        (ours, others)
        for ours, others in product(declared(my_path, mine).values(), declared(their_path, theirs).values())
        if ours.shared_with(others) is not None
    ]
    assert bool(told) == bool(on_cluster(my_path, mine) & on_cluster(their_path, theirs))
    for ours, others in told:
        assert other[0] in candidates(ours)
        assert one[0] in candidates(others)


def test_few_names_should_be_looked_up_however_many_neighbours_there_are() -> None:
    claim = Claim("-".join("ab" * 32), numbered=True)
    assert len(candidates(claim)) <= 2 * len(re.findall("-", claim.name)) + 1
