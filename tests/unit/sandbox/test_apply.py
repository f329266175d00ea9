"""Laws of server-side apply; what single requests answer is in the recordings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.sandbox.apply import Applied, apply, merged
from nexus_gql.sandbox.kinds import KINDS
from nexus_gql.sandbox.managed_fields import APPLY, Managers, Writer
from nexus_gql.sandbox.refusals import Object, Refusal
from nexus_gql.sandbox.schema import struct

DEPLOYMENT = KINDS["Deployment"]
NAMES = st.sampled_from(["a", "b", "c", "d"])
VARIABLE: st.SearchStrategy[Object] = st.builds(
    lambda name, value: {"name": name, "value": value}, NAMES, st.sampled_from("12")
)


@st.composite
def containers(draw: st.DrawFn) -> list[Object]:
    found: list[Object] = []
    for name in draw(st.lists(NAMES, unique=True, min_size=1, max_size=3)):
        optional: Object = {
            "image": draw(st.sampled_from(["", "i:1", "i:2"])),
            "env": draw(st.lists(VARIABLE, unique_by=lambda one: str(one["name"]), max_size=3)),
            "args": draw(st.lists(st.sampled_from("xy"), max_size=2)),
        }
        found.append({"name": name, **{field: value for field, value in optional.items() if value}})
    return found


@st.composite
def documents(draw: st.DrawFn) -> Object:
    labels = draw(st.dictionaries(NAMES, st.sampled_from("12"), max_size=2))
    spec: Object = {"template": {"spec": {"containers": draw(containers())}}}
    if draw(st.booleans()):
        spec["replicas"] = draw(st.integers(0, 3))
    return {"metadata": {"name": "web", **({"labels": labels} if labels else {})}, "spec": spec}


def by(manager: str) -> Writer:
    return Writer(manager, "apps/v1", None, "2026-01-01T00:00:00Z", APPLY)


def applied(document: Object, before: Applied | None = None, *, manager: str = "nexus", force: bool = True) -> Applied:
    live: Object = {} if before is None else before.object
    managers: Managers = [] if before is None else before.managers
    return apply(DEPLOYMENT, live, document, managers, by(manager), force=force)


@given(documents())
def test_applying_the_same_again_should_change_nothing(document: Object) -> None:
    once = applied(document)

    assert applied(document, once, force=False) == once


@given(documents(), documents())
def test_what_a_sole_manager_no_longer_declares_should_go(first: Object, second: Object) -> None:
    found = applied(second, applied(first))

    assert comparable(found.object) == comparable(applied(second).object)
    assert found.managers == applied(second).managers


def comparable(obj: Object) -> Object:
    """Without what lists and maps say by being empty, and with their items in order."""
    containers = obj["spec"]["template"]["spec"]["containers"]
    by_name = {
        one["name"]: {**one, "env": sorted(sorted(env.items()) for env in one.get("env", []))} for one in containers
    }
    return {"labels": obj["metadata"].get("labels", {}), "replicas": obj["spec"].get("replicas"), "containers": by_name}


@given(documents(), documents())
def test_what_two_declare_alike_should_stay_when_one_of_them_gives_it_up(shared: Object, other: Object) -> None:
    both = applied(shared, applied(shared), manager="other")

    alone = applied(other, both, manager="other")
    kept = applied(shared, alone, manager="nexus", force=True)

    assert comparable(applied(shared, kept).object) == comparable(kept.object)
    ours = next(entry for entry in both.managers if entry["manager"] == "nexus")
    assert ours["fieldsV1"] == applied(shared).managers[0]["fieldsV1"]


@given(documents(), documents())
def test_what_was_applied_should_be_there_afterwards(first: Object, second: Object) -> None:
    found = applied(second, applied(first, manager="other"))

    again = merged(struct("Deployment"), found.object, second)
    assert comparable(again) == comparable(found.object)


@given(documents(), documents())
def test_without_force_nothing_of_another_should_be_changed(first: Object, second: Object) -> None:
    before = applied(first, manager="other")

    refused, managers = attempted(second, before)

    assert refused <= {'conflict with "other"'}
    assert refused or [entry for entry in managers if entry["manager"] == "other"] == before.managers


def attempted(document: Object, before: Applied) -> tuple[set[str], Managers]:
    """What stood against it, and the managers afterwards."""
    try:
        return set(), applied(document, before, force=False).managers
    except Refusal as refusal:
        return {cause["message"] for cause in (refusal.details or {})["causes"]}, []


def test_items_that_only_the_live_list_has_should_stay_where_they_are() -> None:
    def env(*names: str) -> Object:
        return {
            "spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": one} for one in names]}]}}}
        }

    found = merged(struct("Deployment"), env("x", "a", "y", "b"), env("b", "new", "a"))

    listed = [one["name"] for one in found["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert sorted(listed) == ["a", "b", "new", "x", "y"]
    assert [one for one in listed if one in {"b", "new", "a"}] == ["b", "new", "a"]
    assert listed[0] == "x"


def test_several_managers_should_be_named_with_what_each_of_them_has() -> None:
    document: Object = {"metadata": {"labels": {"a": "1"}}, "spec": {"replicas": 1}}
    before = applied(
        {"spec": {"replicas": 1}}, applied({"metadata": {"labels": {"a": "1"}}}, manager="one"), manager="two"
    )
    document["metadata"]["labels"]["a"], document["spec"]["replicas"] = "2", 2

    with pytest.raises(Refusal) as caught:
        applied(document, before, force=False)

    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "one":\n- .metadata.labels.a\nconflicts with "two":\n- .spec.replicas'
    )


def test_an_object_without_managers_should_belong_to_its_past() -> None:
    live = applied({"metadata": {"name": "web"}, "spec": {"replicas": 1}}).object

    with pytest.raises(Refusal) as caught:
        applied({"spec": {"replicas": 2}}, Applied(live, []), force=False)
    assert 'conflict with "before-first-apply" using apps/v1: .spec.replicas' in caught.value.message
