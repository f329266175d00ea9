"""What a failure or a change takes with it, and how one comes to need another (`topology_graph.py`)."""

import pytest

from .hierarchy import declare
from .people import person
from .server import Nexus
from .topology_graph import (
    BOARD,
    CHAIN,
    CHURN,
    FEATURES,
    FRAUD,
    HOST,
    IDLE,
    IMPACT,
    SCORE,
    STORE,
    UNSEEN,
    ids,
    name,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_chain_should_lead_through_the_whole_graph(graph: Nexus) -> None:
    node = await ids(graph)
    called = {one: key for key, one in node.items()}

    async def chain(origin: str, to: str) -> list[str]:
        found = (await graph.execute(CHAIN, {"from": origin, "to": to}))["topology"]["chain"]
        return [f"{called[one['from']]} > {called[one['to']]}" for one in found]

    assert await chain(node[BOARD], node[STORE]) == [
        f"{BOARD} > {CHURN}",
        f"{CHURN} > {FEATURES}",
        f"{FEATURES} > {STORE}",
    ]
    assert await chain(node[STORE], node[BOARD]) == []
    assert await chain(node["nightly"], node[FRAUD]) == [f"nightly > {SCORE}", f"{SCORE} > {FRAUD}"]
    assert await chain("nonsense", node[STORE]) == await chain(node[BOARD], "") == []


async def test_what_would_stop_should_be_told_before_anybody_stops_it(graph: Nexus) -> None:
    node = await ids(graph)

    async def impact(*nodes: str) -> tuple[dict[str, int], dict[str, int]]:
        found = (await graph.execute(IMPACT, {"nodes": list(nodes)}))["topology"]["impactOf"]
        impaired, at_risk = (
            {name(one["node"]): one["distance"] for one in found[key]} for key in ("impaired", "atRisk")
        )
        return impaired, at_risk

    whole = {CHURN: 1, IDLE: 1, BOARD: 2, HOST: 2, "legacy": 2, "weekly": 2}
    assert await impact(node[FEATURES]) == (whole, {FRAUD: 1, SCORE: 2, "nightly": 3})
    assert await impact(node[BOARD]) == await impact("nonsense") == await impact() == ({}, {})
    assert await impact(node[SCORE]) == ({FRAUD: 1, "nightly": 1}, {})
    assert await impact(node[SCORE], node[BOARD], node[CHURN]) == (
        {FRAUD: 1, "nightly": 1, HOST: 1, "legacy": 1, "weekly": 1},
        {},
    )


# ── what a change would take with it ──

TOLD = "impact { impaired { node { path label kind } } atRisk { node { path label kind } } } problems { code message }"
DRY = "options: {dryRun: true}"
OF_FEATURES = ({CHURN, IDLE, BOARD, HOST, "legacy", "weekly"}, {FRAUD, SCORE, "nightly"})


async def told(nexus: Nexus, mutation: str, token: str | None = None) -> tuple[set[str], set[str]] | None:
    """Whom a mutation says that it would take with it: who would stop, and who would be at risk."""
    impact = (await nexus.mutate(f"mutation {{ {mutation} {{ {TOLD} }} }}", token=token))["impact"]
    if impact is None:
        return None
    impaired, at_risk = ({name(one["node"]) for one in impact[key]} for key in ("impaired", "atRisk"))
    return impaired, at_risk


@pytest.mark.parametrize(
    "mutation",
    [
        f'remove(path: "{FEATURES}", {DRY})',
        f'scale(path: "{FEATURES}", replicas: 0, {DRY})',
        f'deploy(path: "{FEATURES}", patch: {{replicas: 0}}, {DRY})',
        f'configure(path: "{FEATURES}", patch: {{replicas: 0}}, dryRun: true)',
        f'deleteLevel(path: "{FEATURES}", remove: true, {DRY})',
    ],
)
async def test_a_dry_run_that_leaves_an_application_without_pods_should_tell_whom_it_takes_with_it(
    graph: Nexus, mutation: str
) -> None:
    assert await told(graph, mutation) == OF_FEATURES


@pytest.mark.parametrize(
    "mutation",
    [
        f'scale(path: "{FEATURES}", replicas: 2, {DRY})',
        f'deploy(path: "{FEATURES}", {DRY})',
        f'deploy(path: "{FEATURES}", patch: {{image: {{tag: "2.0"}}}}, {DRY})',
        f'deploy(path: "{STORE}", patch: {{replicas: 1}}, {DRY})',
        f'restart(path: "{FEATURES}", {DRY})',
        f'configure(path: "{FEATURES}", patch: {{image: {{tag: "2.0"}}}}, dryRun: true)',
        f'configure(path: "{FEATURES}", patch: {{replicas: 1}}, dryRun: true)',
        f'configure(path: "{STORE}", patch: {{image: {{tag: "2.0"}}}}, dryRun: true)',
    ],
)
async def test_any_other_should_tell_nothing(graph: Nexus, mutation: str) -> None:
    assert await told(graph, mutation) is None


async def test_a_level_should_take_with_it_what_needs_anything_in_it(graph: Nexus) -> None:
    for mutation in (
        f'deleteLevel(path: "or/local/ddk", remove: true, {DRY})',
        'configure(path: "or/local/ddk", patch: {replicas: 0}, dryRun: true)',
    ):
        assert await told(graph, mutation) == OF_FEATURES
    assert await told(graph, f'deploy(path: "{STORE}", {DRY})') == (
        {FEATURES} | OF_FEATURES[0],
        OF_FEATURES[1],
    )  # it is declared to have no pods


async def test_who_deletes_a_part_should_be_told_of_what_they_may_see(graph: Nexus) -> None:
    deployer = await person(graph, "dan", {"or/local/models": "DEPLOYER"})
    answer = await graph.execute(f'mutation {{ remove(path: "{CHURN}", {DRY}) {{ {TOLD} }} }}', token=deployer)
    found = answer["remove"]["impact"]
    assert ([name(one["node"]) for one in found["impaired"]], found["atRisk"]) == ([HOST], [])
    assert not [one for one in UNSEEN if one in answer.text]


async def test_a_deletion_should_tell_it_as_well_and_be_refused_without_a_word_of_it(graph: Nexus) -> None:
    refused = await graph.execute(f'mutation {{ deleteLevel(path: "{FEATURES}") {{ {TOLD} }} }}')
    assert (refused["deleteLevel"]["impact"], refused["deleteLevel"]["problems"][0]["code"]) == (None, "IN_USE")
    await declare(graph, "or/local/models/short")
    await declare(graph, "or/local/models/lived", settings={"dependsOn": [{"ref": "short"}]})
    await graph.rooms.topology.settled()
    assert await told(graph, 'deleteLevel(path: "or/local/models/short")') == ({"or/local/models/lived"}, set())
    assert await told(graph, 'deleteLevel(path: "or/local/models/lived")') == (set(), set())
    await declare(graph, "or/empty")
    assert await told(graph, 'deleteLevel(path: "or/empty")') is None
