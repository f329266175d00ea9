"""Finding levels and clusters by a part of their names."""

from typing import Any

from .hierarchy import declare, declare_all, join_dead_cluster
from .people import person
from .server import Nexus

SEARCH = """query ($text: String!, $first: Int) { search(text: $text, first: $first) { kind: __typename
  ... on Level { path } ... on Cluster { name } } }"""


async def search(nexus: Nexus, text: str, token: str | None = None, **more: Any) -> list[str]:
    found = (await nexus.execute(SEARCH, {"text": text, **more}, token))["search"]
    return [hit.get("path") or f"cluster {hit['name']}" for hit in found]


async def declare_names(nexus: Nexus) -> None:
    await declare_all(nexus, "or/local/models", "churn")
    for name, display in (("churn", None), ("churn-api", None), ("x", "My churn"), ("unchurned", None), ("y", None)):
        await declare(nexus, f"or/local/models/{name}", displayName=display)
    await join_dead_cluster(nexus, "churn-cluster")


async def test_what_fits_best_should_come_first(nexus: Nexus) -> None:
    await declare_names(nexus)
    assert await search(nexus, "churn") == [
        "churn",
        "or/local/models/churn",
        "or/local/models/churn-api",
        "cluster churn-cluster",
        "or/local/models/x",
        "or/local/models/unchurned",
    ]
    assert (await search(nexus, "  CHURN "))[0] == "churn"
    assert await search(nexus, "churn", first=2) == ["churn", "or/local/models/churn"]
    assert await search(nexus, "churn", first=0) == []


async def test_a_path_should_be_found_as_it_is_written(nexus: Nexus) -> None:
    await declare_names(nexus)
    assert (await search(nexus, "or/local/models"))[:2] == ["or/local/models", "or/local/models/churn"]
    assert await search(nexus, "or/local/models/churn-a") == ["or/local/models/churn-api"]


async def test_what_fits_nothing_should_find_nothing(nexus: Nexus) -> None:
    await declare_names(nexus)
    for text in ("", "   ", "nothing-of-the-kind", "\n", "%", "_"):
        assert await search(nexus, text) == []


async def test_each_should_find_only_what_they_may_see_by_name(guarded: Nexus) -> None:
    await declare_names(guarded)
    await declare(guarded, "or/prod")
    await declare(guarded, "or/prod/churn")
    ann = await person(guarded, "ann", {"or/local/models/churn-api": "VIEWER"})
    assert await search(guarded, "churn", ann) == ["or/local/models/churn-api"]
    assert set(await search(guarded, "o", ann)) == {"or", "or/local", "or/local/models", "or/local/models/churn-api"}
    assert await search(guarded, "cluster", ann) == []


async def test_a_cluster_should_be_found_by_who_has_an_environment_on_it(guarded: Nexus) -> None:
    cluster = await join_dead_cluster(guarded, "kind-dev")
    await declare(guarded, "or")
    await declare(guarded, "or/local", cluster=cluster)
    await declare(guarded, "or/prod")
    ann, bob = [
        await person(guarded, name, {path: "VIEWER"}) for name, path in (("ann", "or/local"), ("bob", "or/prod"))
    ]
    assert await search(guarded, "kind", ann) == ["cluster kind-dev"]
    assert await search(guarded, "kind", bob) == []
