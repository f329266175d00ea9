"""`nexus demo` with nothing but Python: three sandboxes, and a project on them that is broken in one instructive place."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from nexus_gql.configuration import Configuration
from nexus_gql.demo import begin_anew, prepare
from nexus_gql.problems import Refused

from .hierarchy import declare
from .server import Nexus, running

_HEALTH = """{ project(path: "or") { environments { name
    cluster { kind version } health { healthy degraded progressing missing unknown suspended } } } }"""
_LEVELS = "{ applications(first: 200) { nodes { path state { status reason } revision { number } } } }"

_GRAPH = """{ topology(scope: "or/local") { nodes { id kind label path } edges { from to sources { evidence } }
    rootCauses { path kind } } }"""

_CHANGE = """mutation { configure(path: "or/local/models/churn", patch: {replicas: 3}) { problems { message } } }"""

Environments = dict[str, dict[str, Any]]


async def until(nexus: Nexus, condition: Callable[[Environments], bool]) -> Environments:
    """Wait for what the project's environments show."""
    async with asyncio.timeout(90):
        while True:
            found = {one["name"]: one for one in (await nexus.execute(_HEALTH))["project"]["environments"]}
            if condition(found):
                return found
            await asyncio.sleep(0.3)


def _settled(environments: Environments) -> bool:
    return all(
        not one["health"]["progressing"] and not one["health"]["missing"] and not one["health"]["unknown"]
        for one in environments.values()
    )


def _seen(environments: Environments) -> bool:
    return not any(one["health"]["unknown"] for one in environments.values())


async def test_should_run_everywhere_but_in_one_place_and_be_safe_to_run_again(configuration: Configuration) -> None:
    said: list[str] = []
    async with running(configuration) as nexus:
        await prepare(nexus.rooms, said.append)
        environments = await until(nexus, _settled)
        assert {one["cluster"]["kind"] for one in environments.values()} == {"SANDBOX"}
        assert {name: one["health"]["degraded"] for name, one in environments.items()} == {
            "local": 1,
            "staging": 0,
            "production": 0,
        }
        before = (await nexus.execute(_LEVELS))["applications"]["nodes"]
        assert len(before) == 3 * 26
        (broken,) = [one for one in before if one["state"]["status"] == "DEGRADED"]
        assert broken["path"] == "or/local/ddk/weather"
        assert broken["state"]["reason"] in {"ErrImagePull", "ImagePullBackOff"}  # in turn, as long as it is tried

        graph = (await nexus.execute(_GRAPH))["topology"]
        called = {one["id"]: one["path"] or one["label"] for one in graph["nodes"]}
        evidence = {
            (called[one["from"]], called[one["to"]]): [source["evidence"] for source in one["sources"]]
            for one in graph["edges"]
        }
        assert evidence["or/local/web/gateway", "or/local/models/churn"] == [
            "ConfigMap gateway-files, routes: http://churn.or-local-models:8080"
        ]
        assert ("or/local/ddk/inventory", "or/local/infra/broker") in evidence
        assert [one["label"] for one in graph["nodes"] if one["kind"] == "EXTERNAL"] == ["api.weather.internal"]
        assert {one["kind"] for one in graph["nodes"]} == {"APPLICATION", "INGRESS", "EXTERNAL"}
        assert graph["rootCauses"] == [{"path": "or/local/ddk/weather", "kind": "APPLICATION"}]

    async with running(configuration) as nexus:
        await prepare(nexus.rooms, said.append)
        await until(nexus, _seen)
        after = (await nexus.execute(_LEVELS))["applications"]["nodes"]
        assert [(one["path"], one["revision"]) for one in after] == [(one["path"], one["revision"]) for one in before]
        assert said[-1].startswith("The project `or` is there from before")

        await nexus.mutate(_CHANGE)
        await begin_anew(nexus.rooms, said.append)
        await until(nexus, _settled)
        anew = (await nexus.execute(_LEVELS))["applications"]["nodes"]
        assert [one["path"] for one in anew] == [one["path"] for one in before]
        assert {one["revision"]["number"] for one in anew} == {1}


async def test_should_not_reset_a_project_of_somebody_else(nexus: Nexus) -> None:
    await declare(nexus, "or", description="Ours.")
    with pytest.raises(Refused, match="not the demo's own"):
        await begin_anew(nexus.rooms, print)
    assert (await nexus.execute('{ project(path: "or") { description } }'))["project"] == {"description": "Ours."}
