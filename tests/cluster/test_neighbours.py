"""Two applications of one namespace that want one object on the real cluster, or one place at its edge."""

import asyncio
from typing import Any

import pytest

from tests.cluster.nexus import Answered
from tests.cluster.place import Object, Place

PATHS = "nexus.optimal-reality.io/path"


def ingress(name: str, host: str) -> list[dict[str, Any]]:
    return [{"name": name, "host": host}]


def volume(name: str) -> list[dict[str, Any]]:
    return [{"name": name, "mountPath": f"/{name}", "size": "1Mi"}]


NO_PODS: dict[str, Any] = {"replicas": 0}
"""The cluster has nothing that makes volumes, so a pod with one would wait for ever."""


async def ended(place: Place, path: str, patch: Answered | None = None, **options: object) -> Answered:
    return await place.nexus.end(await place.nexus.deploy(path, patch, **options))


def owner(item: Object) -> str:
    return str(item["metadata"]["annotations"][PATHS])


@pytest.mark.parametrize("kind", ["ingress", "volumes"])
async def test_of_two_that_are_deployed_in_the_same_moment_one_should_have_the_object(place: Place, kind: str) -> None:
    """`churn` with a rule or volume `a-b`, and `churn-a` with `b`. Both were once a deployment of the neighbour's as well."""
    named = {"ingress": lambda name: ingress(name, f"{name}.example.org"), "volumes": volume}[kind]
    paths = [await place.declare(name, **NO_PODS) for name in ("churn", "churn-a")]
    for path in paths:
        await place.nexus.deployed(path)
    patches: list[Answered] = [{kind: named("a-b")}, {kind: named("b")}]
    ends = await asyncio.gather(*(ended(place, path, patch) for path, patch in zip(paths, patches, strict=True)))
    assert sorted(one["status"] for one in ends) == ["FAILED", "SUCCEEDED"]
    won, lost = sorted(range(2), key=lambda number: ends[number]["status"], reverse=True)
    assert ends[lost]["failure"]["reason"] == "NameTaken"
    (item,) = await place.items("ingresses" if kind == "ingress" else "persistentvolumeclaims")
    assert (item["metadata"]["name"], owner(item)) == ("churn-a-b", paths[won])


async def test_pods_should_not_take_the_volume_of_a_neighbour(place: Place) -> None:
    """A StatefulSet takes a claim of that name as it is: its pods would write into the neighbour's volume."""
    data = await place.run("data", volumes=volume("churn-0"), **NO_PODS)
    churn = await place.run("churn", **NO_PODS)
    (before,) = await place.items("persistentvolumeclaims")
    end = await ended(place, churn, {"workload": "STATEFUL_SET", "volumes": volume("data")}, recreate=True)
    assert (end["status"], end["failure"]["reason"]) == ("FAILED", "NameTaken")
    assert end["failure"]["message"] == (
        f"PersistentVolumeClaim `data-churn-0` in `{place.kubernetes}` belongs to another application. It is `{data}`."
    )
    assert await place.items("statefulsets") == []
    (after,) = await place.items("persistentvolumeclaims")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


async def test_a_volume_should_not_be_the_one_of_a_neighbours_pod(place: Place) -> None:
    """Neither where the pod is still to come, nor where it has gone and left its volume."""
    churn = await place.run("churn", workload="STATEFUL_SET", volumes=volume("data"), **NO_PODS)
    data = await place.run("data", **NO_PODS)
    assert (await ended(place, data, {"volumes": volume("churn-5")}))["failure"]["reason"] == "NameTaken"
    assert await place.items("persistentvolumeclaims") == []

    await place.nexus.scale(churn, 1)
    (claim,) = await place.eventually(lambda found: found, "persistentvolumeclaims")
    assert claim["metadata"]["name"] == "data-churn-0"
    await place.nexus.succeeded(await place.nexus.remove(churn))
    end = await ended(place, data, {"volumes": volume("churn-0")})
    assert (end["status"], end["failure"]["reason"]) == ("FAILED", "NameTaken")
    assert end["failure"]["message"].endswith(f"It is `{churn}`.")


async def test_two_rules_for_one_host_and_path_should_both_be_there(place: Place) -> None:
    """Kubernetes takes both and leaves it to the ingress controller who is reached, which is how a canary is made; so do we."""
    for name in ("churn", "canary"):
        await place.run(name, ingress=ingress("web", "churn.example.org"), **NO_PODS)
    found = await place.items("ingresses")
    assert sorted(one["metadata"]["name"] for one in found) == ["canary-web", "churn-web"]
    assert {one["spec"]["rules"][0]["host"] for one in found} == {"churn.example.org"}
