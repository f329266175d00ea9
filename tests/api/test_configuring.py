"""Settings changed and seen: what merges, where it is from, and what it reaches."""

from typing import Any

import pytest

from .hierarchy import CONFIGURE, configure, declare, declare_all, value
from .server import Nexus

CHURN, DEMAND, FEATURES = "or/local/models/churn", "or/local/models/demand", "or/local/ddk/features"


@pytest.fixture(autouse=True)
async def three_applications(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN, DEMAND, FEATURES)


def text(name: str, value: str) -> dict[str, Any]:
    return {"env": [{"name": name, "value": {"text": value}}]}


async def test_a_variable_at_the_project_should_reach_every_application_with_its_origin(nexus: Nexus) -> None:
    done = await configure(nexus, "or", text("LOG_LEVEL", "info"))
    assert done["changed"] == ["env.LOG_LEVEL"]
    assert done["affected"] == [{"path": FEATURES}, {"path": CHURN}, {"path": DEMAND}]
    assert done["level"]["version"] == 2
    for path in (CHURN, DEMAND, FEATURES):
        assert await value(nexus, path, "env.LOG_LEVEL") == {
            "key": "env.LOG_LEVEL",
            "value": {"text": "info"},
            "masked": False,
            "origin": {"kind": "PROJECT", "path": "or", "level": {"path": "or"}},
            "overrides": [],
        }


async def test_an_override_should_show_what_it_overrode_and_inherit_should_bring_it_back(nexus: Nexus) -> None:
    await configure(nexus, "or", text("LOG_LEVEL", "info"))
    await configure(nexus, "or/local", text("LOG_LEVEL", "warning"))
    done = await configure(nexus, "or/local/models", text("LOG_LEVEL", "debug"))
    assert done["affected"] == [{"path": CHURN}, {"path": DEMAND}]
    leaf = await value(nexus, CHURN, "env.LOG_LEVEL")
    assert (leaf["value"], leaf["origin"]["path"]) == ({"text": "debug"}, "or/local/models")
    assert leaf["overrides"] == [
        {"origin": {"kind": "ENVIRONMENT", "path": "or/local"}, "value": {"text": "warning"}},
        {"origin": {"kind": "PROJECT", "path": "or"}, "value": {"text": "info"}},
    ]

    done = await configure(nexus, "or/local/models", {"inherit": ["env.LOG_LEVEL"]})
    assert done["changed"] == ["env.LOG_LEVEL"]
    assert (await value(nexus, CHURN, "env.LOG_LEVEL"))["origin"]["path"] == "or/local"


async def test_null_should_be_as_inherit(nexus: Nexus) -> None:
    await configure(nexus, "or", {"replicas": 2})
    await configure(nexus, CHURN, {"replicas": 5})
    await configure(nexus, CHURN, {"replicas": None})
    assert (await value(nexus, CHURN, "replicas"))["value"] == 2


async def test_defaults_should_have_an_origin_without_a_path(nexus: Nexus) -> None:
    leaf = await value(nexus, CHURN, "replicas")
    assert (leaf["value"], leaf["origin"]) == (1, {"kind": "DEFAULT", "path": None, "level": None})


async def test_what_is_removed_should_be_absent_below_and_null_in_the_levels_own_document(nexus: Nexus) -> None:
    await configure(nexus, "or", text("LOG_LEVEL", "info"))
    done = await configure(nexus, "or/local/models", {"remove": ["env.LOG_LEVEL"]})
    assert done["level"]["settings"] == {"document": {"env": {"LOG_LEVEL": None}}, "removed": ["env.LOG_LEVEL"]}
    assert await value(nexus, CHURN, "env.LOG_LEVEL") is None
    assert (await value(nexus, FEATURES, "env.LOG_LEVEL"))["value"] == {"text": "info"}


async def test_a_tag_without_a_digest_should_drop_the_inherited_digest(nexus: Nexus) -> None:
    digest = "sha256:" + "0" * 64
    await configure(nexus, "or", {"image": {"repository": "or/model", "tag": "1.0", "digest": digest}})
    assert (await value(nexus, CHURN, "image.digest"))["value"] == digest
    await configure(nexus, CHURN, {"image": {"tag": "2.0"}})
    assert await value(nexus, CHURN, "image.digest") is None
    assert (await value(nexus, CHURN, "image.repository"))["origin"]["path"] == "or"


async def test_a_command_without_arguments_should_drop_the_inherited_ones_and_an_empty_list_should_be_a_value(
    nexus: Nexus,
) -> None:
    await configure(nexus, "or", {"command": ["serve"], "args": ["--fast"]})
    await configure(nexus, CHURN, {"command": ["train"]})
    assert await value(nexus, CHURN, "args") is None
    await configure(nexus, DEMAND, {"args": []})
    assert (await value(nexus, DEMAND, "args"))["value"] == []


async def test_an_empty_list_of_named_entries_should_change_nothing(nexus: Nexus) -> None:
    await configure(nexus, "or", text("LOG_LEVEL", "info"))
    done = await configure(nexus, "or", {"env": [], "labels": []})
    assert (done["changed"], done["affected"], done["level"]["version"]) == ([], [], 2)


async def test_a_dry_run_should_say_what_would_change_and_change_nothing(nexus: Nexus) -> None:
    done = await configure(nexus, "or/local/models", {"replicas": 3}, dryRun=True)
    assert (done["changed"], done["affected"]) == (["replicas"], [{"path": CHURN}, {"path": DEMAND}])
    assert done["level"]["version"] == 1
    assert done["level"]["settings"]["document"] == {}
    assert (await value(nexus, CHURN, "replicas"))["value"] == 1


async def test_a_dry_run_should_show_the_affected_as_they_are(nexus: Nexus) -> None:
    document = """mutation { configure(path: "or", patch: {replicas: 3}, dryRun: true) {
      affected { path effective { value(key: "replicas") { value origin { path } } } } problems { code } } }"""
    affected = (await nexus.mutate(document))["affected"]
    assert {one["effective"]["value"]["value"] for one in affected} == {1}


async def test_a_change_that_an_application_overrides_should_not_name_it_as_affected(nexus: Nexus) -> None:
    await configure(nexus, CHURN, {"replicas": 4})
    done = await configure(nexus, "or/local/models", {"replicas": 3})
    assert done["affected"] == [{"path": DEMAND}]


async def test_a_stale_version_should_be_a_conflict_and_change_nothing(nexus: Nexus) -> None:
    await configure(nexus, "or", {"replicas": 2}, expectedVersion=1)
    answer = await nexus.execute(CONFIGURE, {"path": "or", "patch": {"replicas": 9}, "expectedVersion": 1})
    payload = answer["configure"]
    assert [(one["code"], one["path"]) for one in payload["problems"]] == [("CONFLICT", ["expectedVersion"])]
    assert (payload["level"], payload["changed"], payload["affected"]) == (None, [], [])
    assert (await value(nexus, CHURN, "replicas"))["value"] == 2


async def test_placeholders_should_stand_for_names_where_they_are_looked_at(nexus: Nexus) -> None:
    await configure(
        nexus,
        "or",
        {
            "image": {"repository": "ghcr.io/${project}/${application}"},
            "env": [
                {"name": "WHERE", "value": {"text": "${environment}/${namespace} costs $5 and $${project}"}},
            ],
        },
    )
    assert (await value(nexus, CHURN, "image.repository"))["value"] == "ghcr.io/or/churn"
    assert (await value(nexus, FEATURES, "image.repository"))["value"] == "ghcr.io/or/features"
    assert (await value(nexus, CHURN, "env.WHERE"))["value"] == {"text": "local/models costs $5 and ${project}"}
    own = await nexus.execute('{ project(path: "or") { settings { image { repository } } } }')
    assert own["project"]["settings"]["image"]["repository"] == "ghcr.io/${project}/${application}"


async def test_every_kind_of_value_of_a_variable_should_be_told_apart(nexus: Nexus) -> None:
    await configure(nexus, FEATURES, {"ports": [{"name": "grpc", "port": 9000}]})
    await configure(
        nexus,
        CHURN,
        {
            "env": [
                {"name": "A", "value": {"text": ""}},
                {"name": "B", "value": {"secret": "swordfish"}},
                {"name": "C", "value": {"secretKey": {"secret": "database", "key": "password"}}},
                {"name": "D", "value": {"service": {"ref": "ddk/features", "port": "grpc"}}},
                {"name": "E", "value": {"service": {"ref": "demand"}}},
            ]
        },
    )
    document = """query ($path: Path!) { application(path: $path) { effective { settings { env { name value { __typename
      ... on TextValue { text } ... on SecretValue { set setAt setBy } ... on SecretKeyValue { secret key }
      ... on ServiceValue { ref port url application { path } } } } } } } }"""
    answer = await nexus.execute(document, {"path": CHURN})
    env = {one["name"]: one["value"] for one in answer["application"]["effective"]["settings"]["env"]}
    assert env["A"] == {"__typename": "TextValue", "text": ""}
    assert (env["B"]["__typename"], env["B"]["set"], env["B"]["setBy"]) == ("SecretValue", True, "local")
    assert env["B"]["setAt"].endswith("Z")
    assert env["C"] == {"__typename": "SecretKeyValue", "secret": "database", "key": "password"}
    assert env["D"] == {
        "__typename": "ServiceValue",
        "ref": "ddk/features",
        "port": "grpc",
        "url": "features.or-local-ddk:9000",
        "application": {"path": FEATURES},
    }
    assert env["E"]["url"] == "http://demand.or-local-models:8080"


async def test_a_reference_to_nothing_should_be_stored_and_warned_of(nexus: Nexus) -> None:
    done = await configure(nexus, CHURN, {"env": [{"name": "X", "value": {"service": {"ref": "ddk/none"}}}]})
    assert done["warnings"] == [{"code": "MISSING_REFERENCE", "path": ["patch", "env", "0"]}]
    assert (await value(nexus, CHURN, "env.X"))["value"] == {"service": {"ref": "ddk/none"}}


async def test_the_effective_document_should_be_its_values_put_together(nexus: Nexus) -> None:
    await configure(nexus, "or", text("LOG_LEVEL", "info") | {"labels": [{"name": "a.b/c.d", "value": "x"}]})
    await configure(nexus, CHURN, {"probes": {"liveness": {"tcp": True}}, "image": {"repository": "or/model"}})
    document = """query ($path: Path!) { application(path: $path) {
      effective { document values { key value } } } }"""
    effective = (await nexus.execute(document, {"path": CHURN}))["application"]["effective"]
    keys = [leaf["key"] for leaf in effective["values"]]
    assert keys == sorted(keys)
    rebuilt: dict[str, Any] = {}
    for leaf in effective["values"]:
        name, dot, part = leaf["key"].partition(".")
        if dot:
            rebuilt.setdefault(name, {})[part] = leaf["value"]
        else:
            rebuilt[name] = leaf["value"]
    assert rebuilt == effective["document"]
    assert effective["document"]["labels"] == {"a.b/c.d": "x"}


async def test_settings_should_come_with_the_level_that_is_made(nexus: Nexus) -> None:
    await declare(nexus, "or/local/models/third", settings={"replicas": 7})
    leaf = await value(nexus, "or/local/models/third", "replicas")
    assert (leaf["value"], leaf["origin"]["path"]) == (7, "or/local/models/third")
