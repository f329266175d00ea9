"""Anything by its id. What is on a cluster is asked for with `test_deployed.py`, where there is one."""

from typing import Any

import pytest

from tests.conftest import Counting

from .hierarchy import configure, declare, declare_all, declare_deployable
from .people import GRANT, person
from .server import Nexus

CHURN = "or/local/models/churn"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { kind: __typename id } }"
NOBODY = "00000000-0000-0000-0000-000000000000"
KINDS = ["Project", "Environment", "Namespace", "Application"]


async def ids(nexus: Nexus) -> list[str]:
    """Of a level of each kind, in their order."""
    document = """query ($path: Path!) { application(path: $path) { id namespace { id environment { id project { id } } } } }"""
    application = (await nexus.execute(document, {"path": CHURN}))["application"]
    environment = application["namespace"]["environment"]
    return [environment["project"]["id"], environment["id"], application["namespace"]["id"], application["id"]]


async def test_each_level_should_be_found_by_its_id_in_the_order_asked_for(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    wanted = await ids(nexus)
    for order in (wanted, wanted[::-1], wanted * 2):
        found = (await nexus.execute(NODES, {"ids": order}))["nodes"]
        assert [one["id"] for one in found] == order
    found = (await nexus.execute(NODES, {"ids": wanted}))["nodes"]
    assert [one["kind"] for one in found] == KINDS
    document = "query ($id: ID!) { node(id: $id) { ... on Application { path displayName } } }"
    assert (await nexus.execute(document, {"id": wanted[3]}))["node"] == {"path": CHURN, "displayName": "churn"}


async def test_what_is_gone_should_be_null_and_what_came_in_its_place_has_another_id(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    *_, old = await ids(nexus)
    await nexus.mutate(f'mutation {{ deleteLevel(path: "{CHURN}") {{ deleted problems {{ code }} }} }}')
    await declare(nexus, CHURN)
    *_, new = await ids(nexus)
    assert (await nexus.execute(NODES, {"ids": [old, new]}))["nodes"] == [None, {"kind": "Application", "id": new}]


async def test_a_levels_key_under_another_types_name_should_be_nothing(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    key = (await ids(nexus))[3].partition(":")[2]
    wanted = [f"{kind}:{key}" for kind in ("Project", "Operation", "Grant", "ApiToken", "Cluster", "DeployedRevision")]
    assert (await nexus.execute(NODES, {"ids": wanted}))["nodes"] == [None] * 6


async def test_an_id_that_makes_no_sense_should_be_an_error_of_its_own_place(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    wanted = await ids(nexus)
    answer = await nexus.execute(NODES, {"ids": [wanted[0], "nonsense", wanted[1], f"Pod:{NOBODY}"]})
    assert answer.codes == ["BAD_REQUEST", "BAD_REQUEST"]
    assert [error["path"] for error in answer.errors] == [["nodes", 1], ["nodes", 3]]
    assert answer.data is not None
    assert [one and one["kind"] for one in answer.data["nodes"]] == ["Project", None, "Environment", None]


async def test_more_than_a_thousand_ids_should_be_too_many(nexus: Nexus) -> None:
    wanted = [f"Application:{NOBODY}"] * 1001
    assert (await nexus.execute(NODES, {"ids": wanted})).codes == ["BAD_REQUEST"]
    assert (await nexus.execute(NODES, {"ids": wanted[:1000]}))["nodes"] == [None] * 1000
    assert (await nexus.execute(NODES, {"ids": []}))["nodes"] == []


async def test_each_should_find_only_what_is_theirs(guarded: Nexus) -> None:
    await declare_all(guarded, CHURN, "other")
    wanted = await ids(guarded)
    grants = await granted(guarded)
    ann = await person(guarded, "ann", {"or/local/models": "VIEWER"})
    own = (await guarded.execute("{ tokens { id } }", token=ann))["tokens"][0]["id"]
    everybodys = [one["id"] for one in (await guarded.execute("{ tokens { id } }"))["tokens"]]
    found = (await guarded.execute(NODES, {"ids": [*wanted, *grants, *everybodys]}, ann))["nodes"]
    assert [one["id"] if one else None for one in found] == [
        *wanted,
        *[None] * len(grants),
        *[one if one == own else None for one in everybodys],
    ]
    names = "query ($id: ID!) { node(id: $id) { ... on Project { path description } } }"
    assert (await guarded.execute(names, {"id": wanted[0]}, ann)).codes == ["FORBIDDEN"]
    bob = await person(guarded, "bob", {"other": "ADMIN"})
    found = (await guarded.execute(NODES, {"ids": wanted}, bob))["nodes"]
    assert found == [None] * 4
    found = (await guarded.execute(NODES, {"ids": [*grants, *everybodys]}))["nodes"]
    assert [one["kind"] for one in found] == ["Grant"] * len(grants) + ["ApiToken"] * len(everybodys)


async def granted(nexus: Nexus) -> list[str]:
    await nexus.mutate(GRANT, {"subject": "eve", "role": "DEPLOYER", "path": CHURN})
    return [one["id"] for one in (await nexus.execute("{ grants { id } }"))["grants"]]


@pytest.mark.parametrize("count", [1, 50])
async def test_many_should_cost_no_statement_each(nexus: Nexus, counting: Counting, count: int) -> None:
    await declare_deployable(nexus, *(f"or/local/models/a{number}" for number in range(count)))
    wanted: list[Any] = []
    for number in range(count):
        path = f"or/local/models/a{number}"
        made = await nexus.mutate(
            f'mutation {{ deploy(path: "{path}") {{ operation {{ id application {{ id }} }} problems {{ code }} }} }}'
        )
        wanted += [made["operation"]["id"], made["operation"]["application"]["id"]]
    wanted += [f"{kind}:{NOBODY}" for kind in ("DeployedRevision", "Grant", "ApiToken", "Cluster")]
    async with counting() as statements:
        found = (await nexus.execute(NODES, {"ids": wanted}))["nodes"]
    assert [one and one["id"] for one in found] == [*wanted[:-4], *[None] * 4]
    # The runner, which is at the operations meanwhile, asks for one at a time.
    many = ('"id" IN (', 'FROM "grant"', 'FROM "api_token"')
    asked = [one for one in statements if any(mark in one for mark in many)]
    assert len(asked) == 4, asked


async def test_a_version_should_be_of_now(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    *_, wanted = await ids(nexus)
    await configure(nexus, CHURN, {"replicas": 2})
    document = "query ($id: ID!) { node(id: $id) { ... on Level { version settings { replicas } } } }"
    assert (await nexus.execute(document, {"id": wanted}))["node"] == {"version": 2, "settings": {"replicas": 2}}
