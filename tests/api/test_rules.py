"""The rules at the head of the contract, as far as they need no cluster."""

from typing import Any

import pytest

from nexus_gql.configuration import Configuration

from .hierarchy import declare, declare_all, join_dead_cluster
from .server import Nexus, running

PAGE = """query ($scope: Path, $first: Int, $after: String, $filter: ApplicationFilter) {
  applications(scope: $scope, first: $first, after: $after, filter: $filter) {
    nodes { path } edges { cursor node { path } } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""

CHURN = "or/local/models/churn"


async def page(nexus: Nexus, **variables: Any) -> Any:
    return (await nexus.execute(PAGE, variables))["applications"]


def paths(found: Any) -> list[str]:
    return [node["path"].rpartition("/")[2] for node in found["nodes"]]


# ── null and defaults ──


async def test_null_for_an_argument_with_a_default_should_mean_the_default(nexus: Nexus) -> None:
    await declare_all(nexus, "or/local/models")
    for number in range(60):
        await declare(nexus, f"or/local/models/a{number:02}")
    assert len((await page(nexus, first=None))["nodes"]) == 50
    assert len((await page(nexus))["nodes"]) == 50
    document = (
        'mutation ($dry: Boolean) { configure(path: "or", patch: {replicas: 2}, dryRun: $dry) { level { version } } }'
    )
    assert (await nexus.mutate(document, {"dry": None}))["level"]["version"] == 2
    made = await nexus.mutate(
        """mutation { createApplication(input: {namespace: "or/local/models", name: "b", kind: null, displayName: null,
        settings: null}) { application { kind displayName } problems { code } } }"""
    )
    assert made["application"] == {"kind": "SERVICE", "displayName": "b"}
    made = await nexus.mutate(
        'mutation { createEnvironment(input: {project: "or", name: "b", stage: null}) { environment { stage } problems { code } } }'
    )
    assert made["environment"] == {"stage": "DEVELOPMENT"}


# ── lists and pages ──


async def test_lists_should_be_sorted_by_path_segment_by_segment(nexus: Nexus) -> None:
    await declare_all(nexus, "or/local/b/x", "or/local/a-b/x", "or/local/a/x", "or/local/a/b", "an/local/z/x")
    found = [node["path"] for node in (await page(nexus))["nodes"]]
    assert found == ["an/local/z/x", "or/local/a/b", "or/local/a/x", "or/local/a-b/x", "or/local/b/x"]
    answer = await nexus.execute('{ projects { path } environment(path: "or/local") { namespaces { name } } }')
    assert answer["projects"] == [{"path": "an"}, {"path": "or"}]
    assert [one["name"] for one in answer["environment"]["namespaces"]] == ["a", "a-b", "b"]


async def test_what_comes_and_goes_between_two_pages_should_move_nobody(nexus: Nexus) -> None:
    await declare_all(nexus, "or/local/models")
    for name in "bdfhj":
        await declare(nexus, f"or/local/models/{name}")
    first = await page(nexus, scope="or", first=2)
    assert paths(first) == ["b", "d"]
    for name in "ace":
        await declare(nexus, f"or/local/models/{name}")
    for name in "df":
        await nexus.mutate(
            "mutation ($path: Path!) { deleteLevel(path: $path) { problems { code } } }",
            {"path": f"or/local/models/{name}"},
        )
    second = await page(nexus, scope="or", first=2, after=first["pageInfo"]["endCursor"])
    assert paths(second) == ["e", "h"]
    assert second["totalCount"] == 6
    third = await page(nexus, scope="or", first=2, after=second["pageInfo"]["endCursor"])
    assert paths(third) == ["j"]
    assert (third["pageInfo"]["hasNextPage"], third["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_pages_should_say_where_they_lie(nexus: Nexus) -> None:
    await declare_all(nexus, "or/local/models/a", "or/local/models/b")
    whole = await page(nexus)
    assert whole["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": whole["edges"][0]["cursor"],
        "endCursor": whole["edges"][1]["cursor"],
    }
    nothing = await page(nexus, first=0)
    assert (nothing["nodes"], nothing["totalCount"]) == ([], 2)
    assert nothing["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }
    one = await page(nexus, first=1, after=whole["edges"][0]["cursor"])
    assert one["pageInfo"]["startCursor"] == one["pageInfo"]["endCursor"] == whole["edges"][1]["cursor"]
    assert (await page(nexus, first=1000))["totalCount"] == 2


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["features", "churn", "portal"]),
        ({"text": "CHURN"}, ["churn"]),
        ({"text": "customer"}, ["churn"]),
        ({"text": "models/"}, ["churn"]),
        ({"kinds": ["MODEL", "FRONTEND"]}, ["churn", "portal"]),
        ({"kinds": []}, []),
        ({"concerns": ["DDK"]}, ["features"]),
        ({"kinds": ["MODEL"], "concerns": ["DDK"]}, []),
        ({"health": ["DEGRADED"]}, []),
        ({"kinds": None, "text": None}, ["features", "churn", "portal"]),
    ],
)
async def test_a_filter_should_take_what_fits_all_of_it(nexus: Nexus, wanted: Any, found: list[str]) -> None:
    await declare_all(nexus, "or/local")
    for name, concern in (("models", "MDK"), ("ddk", "DDK"), ("web", "FDK")):
        await declare(nexus, f"or/local/{name}", concern=concern)
    await declare(nexus, CHURN, kind="MODEL", displayName="Customer Churn")
    await declare(nexus, "or/local/ddk/features", kind="DATA_SERVER")
    await declare(nexus, "or/local/web/portal", kind="FRONTEND")
    answer = await page(nexus, filter=wanted)
    assert paths(answer) == found
    assert answer["totalCount"] == len(found)


# ── ids ──

EVERY_ID = """{ projects { id environments { id namespaces { id applications { nodes { id } } } } } clusters { id }
  grants { id } tokens { id } operations { nodes { id } } }"""


def ids(data: Any) -> list[str]:
    if isinstance(data, dict):
        own = [data["id"]] if "id" in data else []
        return own + [found for inner in data.values() for found in ids(inner)]
    return [found for inner in data for found in ids(inner)] if isinstance(data, list) else []


async def test_ids_should_be_unique_over_types_and_stay_over_a_restart(configuration: Configuration) -> None:
    async with running(configuration) as nexus:
        await declare_all(nexus, CHURN, "or/local/ddk/features")
        await join_dead_cluster(nexus)
        await nexus.mutate('mutation { grant(subject: "ann", role: VIEWER) { problems { code } } }')
        await nexus.mutate('mutation { createToken(name: "ci", role: VIEWER) { problems { code } } }')
        before = ids((await nexus.execute(EVERY_ID)).data)
    async with running(configuration) as nexus:
        after = ids((await nexus.execute(EVERY_ID)).data)
    assert len(before) == len(set(before)) == 9
    assert after == before


async def test_who_asks_without_authentication_should_be_the_local_administrator(nexus: Nexus) -> None:
    answer = await nexus.execute(
        "{ viewer { name role via } serverInfo { version replica startedAt subscribers watches } }"
    )
    assert answer["viewer"] == {"name": "local", "role": "ADMIN", "via": "loopback"}
    assert answer["serverInfo"]["subscribers"] == 0
    assert answer["serverInfo"]["startedAt"].endswith("Z")


async def test_discovery_without_an_engine_should_be_an_error_that_leaves_its_siblings(nexus: Nexus) -> None:
    answer = await nexus.execute("{ discoverClusters { name } clusters { name } }")
    assert answer.codes == ["UNREACHABLE"]
    assert answer.data == {"discoverClusters": None, "clusters": []}
