"""What a viewer with a grant on part of the hierarchy sees of it, and of everything else."""

from typing import Any

import pytest

from .hierarchy import configure, declare, declare_all, declare_deployable, hold, join_dead_cluster
from .people import GRANT, person
from .server import Nexus

CHURN, DEMAND, FEATURES = "or/local/models/churn", "or/local/models/demand", "or/local/ddk/features"
MODELS = "or/local/models"


@pytest.fixture
async def ann(guarded: Nexus) -> str:
    """A token of somebody who may view one namespace of one environment of one of two projects."""
    await declare_all(guarded, CHURN, DEMAND, FEATURES, "or/prod/models/churn", "other/local/models/x")
    await configure(guarded, "or", {"env": [{"name": "LOG_LEVEL", "value": {"text": "info"}}]})
    return await person(guarded, "ann", {MODELS: "VIEWER"})


async def test_their_own_namespace_should_be_open(guarded: Nexus, ann: str) -> None:
    document = """query ($path: Path!) { namespace(path: $path) { description version viewerRole settings { document } health { status missing suspended }
      applications { totalCount nodes { path kind description } } operations { nodes { id } } } }"""
    found = (await guarded.execute(document, {"path": MODELS}, ann))["namespace"]
    assert (found["viewerRole"], found["version"]) == ("VIEWER", 1)
    assert [one["path"] for one in found["applications"]["nodes"]] == [CHURN, DEMAND]


@pytest.mark.parametrize("path", ["or", "or/local"])
async def test_ancestors_should_be_glimpsed_by_their_names_alone(guarded: Nexus, ann: str, path: str) -> None:
    names = """query ($path: Path!) { level(path: $path) { id path name displayName viewerRole } }"""
    found = (await guarded.execute(names, {"path": path}, ann))["level"]
    assert (found["path"], found["displayName"], found["viewerRole"]) == (path, path.rpartition("/")[2], "NONE")


@pytest.mark.parametrize(
    ("path", "kind", "field"),
    [
        ("or", "Project", "description"),
        ("or", "Project", "events { nodes { id } }"),
        ("or/local", "Environment", "description"),
        ("or/local", "Environment", "cluster { name }"),
        ("or/local", "Environment", "usage { cpuCores }"),
        ("or/local", "Environment", "unmanaged { totalCount }"),
    ],
)
async def test_the_rest_of_an_ancestor_should_be_forbidden_and_leave_its_siblings(
    guarded: Nexus, ann: str, path: str, kind: str, field: str
) -> None:
    document = f"""query ($path: Path!, $own: Path!) {{ level(path: $path) {{ path ... on {kind} {{ asked: {field} }} }}
      own: namespace(path: $own) {{ version }} projects {{ path }} }}"""
    answer = await guarded.execute(document, {"path": path, "own": MODELS}, ann)
    assert answer.codes == ["FORBIDDEN"]
    assert answer.data is not None
    assert answer.data["level"] == {"path": path, "asked": None}
    assert answer.data["own"] == {"version": 1}
    assert answer.data["projects"] == [{"path": "or"}]
    assert "info" not in answer.text


def text(name: str, value: str) -> dict[str, Any]:
    return {"env": [{"name": name, "value": {"text": value}}]}


async def test_of_an_ancestors_settings_what_is_inherited_should_be_told(guarded: Nexus, ann: str) -> None:
    """A viewer of one namespace who asked for the settings of `projects` was answered nothing at all."""
    await configure(guarded, "or", text("OVERRIDDEN", "a-secret-plan") | {"image": {"repository": "or/model"}})
    await configure(guarded, "or", text("TAKEN_AWAY", "a-secret-plan"))
    await configure(guarded, "or/local", text("PLACE", "here") | {"replicas": 3, "remove": ["env.NO"]})
    await configure(guarded, MODELS, text("OVERRIDDEN", "mine") | {"replicas": 2, "remove": ["env.TAKEN_AWAY"]})
    document = """{ projects { ...Told environments { ...Told } } }
      fragment Told on Level { path version createdAt updatedAt settings { document removed env { name } replicas }
        effective { document settings { replicas } values { key origin { path level { path } } } value(key: "replicas") { key } } }"""
    answer = await guarded.execute(document, token=ann)
    (project,) = answer["projects"]
    (environment,) = project["environments"]
    info = {"env": {"LOG_LEVEL": {"text": "info"}}, "image": {"repository": "or/model"}}
    assert project["settings"]["document"] == project["effective"]["document"] == info
    assert environment["settings"]["document"] == {"env": {"PLACE": {"text": "here"}}}
    both = {"LOG_LEVEL": {"text": "info"}, "PLACE": {"text": "here"}}
    assert environment["effective"]["document"] == {"env": both, "image": {"repository": "or/model"}}
    for level in (project, environment):
        assert (level["version"], level["settings"]["replicas"], level["settings"]["removed"]) == (0, None, [])
        assert (level["createdAt"], level["updatedAt"]) == ("1970-01-01T00:00:00Z",) * 2
        assert level["effective"]["settings"] == {"replicas": None}
        assert level["effective"]["value"] is None
    origins = {leaf["key"]: leaf["origin"] for leaf in environment["effective"]["values"]}
    assert origins["env.PLACE"] == {"path": "or/local", "level": None}
    assert "a-secret-plan" not in answer.text


async def test_what_an_ancestor_lists_should_be_only_what_is_in_sight(guarded: Nexus, ann: str) -> None:
    await hold(guarded, CHURN)
    await hold(guarded, FEATURES)
    await configure(guarded, CHURN, {"dependsOn": [{"ref": "ddk/features"}]})
    document = """{ projects { ...Listed environments { ...Listed stage } } }
      fragment Listed on Level { operations { nodes { path } }
        ... on Project { topology { scope nodes { path kind label } } } ... on Environment { topology { scope nodes { path kind label } } } }"""
    answer = await guarded.execute(document, token=ann)
    (project,) = answer["projects"]
    (environment,) = project.pop("environments")
    assert environment.pop("stage") == "DEVELOPMENT"
    for level, scope in ((project, "or"), (environment, "or/local")):
        assert level["operations"] == {"nodes": [{"path": CHURN}]}
        assert level["topology"]["scope"] == scope
        assert {(node["path"], node["kind"]) for node in level["topology"]["nodes"]} == {
            (CHURN, "APPLICATION"),
            (DEMAND, "APPLICATION"),
            (None, "HIDDEN"),
        }
    assert "features" not in answer.text


async def test_somebody_with_one_application_should_see_where_it_runs(guarded: Nexus, ann: str) -> None:
    """Its namespace's name on the cluster, which each of its pods has, made the whole list null."""
    bob = await person(guarded, "bob", {CHURN: "DEPLOYER"})
    document = "{ applications { nodes { path namespace { kubernetesName concern environment { stage } } } } }"
    answer = await guarded.execute(document, token=bob)
    namespace = {"kubernetesName": "or-local-models", "concern": "OTHER", "environment": {"stage": "DEVELOPMENT"}}
    assert answer["applications"]["nodes"] == [{"path": CHURN, "namespace": namespace}]


@pytest.mark.parametrize(
    "path",
    ["or/prod", "or/prod/models", "or/prod/models/churn", "or/local/ddk", FEATURES, "other", "other/local", "no"],
)
async def test_everything_else_should_be_as_if_it_were_not_there(guarded: Nexus, ann: str, path: str) -> None:
    document = """query ($path: Path!) { level(path: $path) { path } applications(scope: $path) { totalCount }
      operations(scope: $path) { nodes { id } } pods(scope: $path) { totalCount } grants(path: $path) { id }
      topology(scope: $path) { position } workflow(environment: $path, name: "nightly") { id } }"""
    answer = await guarded.execute(document, {"path": path}, ann)
    assert answer.errors == []
    asked = ("level", "applications", "operations", "pods", "grants", "topology", "workflow")
    assert answer.data == dict.fromkeys(asked)


@pytest.mark.parametrize("path", ["or/prod", FEATURES, "other", "no", "or/local", "or"])
@pytest.mark.parametrize("field", ["hierarchy", "health", "workloads", "pods", "operations", "topology"])
async def test_a_feed_of_what_is_not_to_be_seen_should_be_not_found(
    guarded: Nexus, ann: str, path: str, field: str
) -> None:
    async with guarded.subscribe(f'subscription {{ {field}(scope: "{path}") {{ kind }} }}', token=ann) as frames:
        answer = await frames.next()
        assert answer is not None
        assert answer.codes == ["NOT_FOUND"]


async def test_lists_and_totals_should_count_only_what_is_visible(guarded: Nexus, ann: str) -> None:
    document = """{ projects { path environments { path namespaces { path } applications { totalCount } health { healthy suspended progressing missing degraded unknown } } }
      applications { totalCount nodes { path } } or: applications(scope: "or") { totalCount }
      text: applications(filter: {text: "churn"}) { totalCount } }"""
    answer = await guarded.execute(document, token=ann)
    (project,) = answer["projects"]
    (environment,) = project["environments"]
    assert (environment["path"], environment["namespaces"]) == ("or/local", [{"path": MODELS}])
    assert environment["applications"]["totalCount"] == 2
    assert sum(environment["health"].values()) == 2
    assert [one["path"] for one in answer["applications"]["nodes"]] == [CHURN, DEMAND]
    assert (answer["or"]["totalCount"], answer["text"]["totalCount"]) == (2, 1)


async def test_what_is_inherited_should_be_seen_with_its_path_but_not_opened(guarded: Nexus, ann: str) -> None:
    document = """query ($path: Path!) { application(path: $path) { effective { value(key: "env.LOG_LEVEL") {
      value origin { kind path level { path } } } } } }"""
    found = (await guarded.execute(document, {"path": CHURN}, ann))["application"]["effective"]["value"]
    assert found == {"value": {"text": "info"}, "origin": {"kind": "PROJECT", "path": "or", "level": None}}


async def test_an_application_should_lead_up_to_names_and_not_further(guarded: Nexus, ann: str) -> None:
    document = """query ($path: Path!) { application(path: $path) { namespace { version environment { displayName project {
      displayName environments { path } } } } } }"""
    found = (await guarded.execute(document, {"path": CHURN}, ann))["application"]["namespace"]
    assert found["version"] == 1
    assert found["environment"]["project"] == {"displayName": "or", "environments": [{"path": "or/local"}]}


async def test_a_reference_should_not_lead_to_what_is_not_to_be_seen(guarded: Nexus, ann: str) -> None:
    await configure(guarded, CHURN, {"env": [{"name": "U", "value": {"service": {"ref": "ddk/features"}}}]})
    document = """query ($path: Path!) { application(path: $path) { effective { settings { env { name value {
      ... on ServiceValue { ref url application { path } } } } } } } }"""
    answer = await guarded.execute(document, {"path": CHURN}, ann)
    env = answer["application"]["effective"]["settings"]["env"]
    (value,) = [one["value"] for one in env if one["name"] == "U"]
    assert value == {"ref": "ddk/features", "url": None, "application": None}


async def test_a_change_far_away_should_name_only_the_visible_as_affected(guarded: Nexus, ann: str) -> None:
    deployer = await person(guarded, "bob", {"or/local/models": "DEPLOYER"})
    document = "mutation ($path: Path!) { configure(path: $path, patch: {replicas: 2}) { affected { path } problems { code path } } }"
    assert (await guarded.mutate(document, {"path": MODELS}, deployer))["affected"] == [
        {"path": CHURN},
        {"path": DEMAND},
    ]


async def test_a_cluster_should_be_known_to_those_with_an_environment_on_it_without_its_configuration(
    guarded: Nexus, ann: str
) -> None:
    cluster = await join_dead_cluster(guarded)
    assert (await guarded.execute("{ clusters { name } }", token=ann))["clusters"] == []
    assert (await guarded.execute('{ cluster(name: "dead") { name } }', token=ann))["cluster"] is None
    await guarded.mutate(
        'mutation ($cluster: String!) { updateLevel(path: "or/local", input: {cluster: $cluster}) { problems { code path } } }',
        {"cluster": cluster},
    )
    answer = await guarded.execute("{ clusters { name environments { path } } }", token=ann)
    assert [one["name"] for one in answer["clusters"]] == ["dead"]
    answer = await guarded.execute("{ clusters { name configuration } }", token=ann)
    assert answer.codes == ["FORBIDDEN"]
    assert answer.data == {"clusters": [{"name": "dead", "configuration": None}]}
    async with guarded.subscribe("subscription { clusters { upserted { name } } }", token=ann) as frames:
        frame = await frames.next()
        assert frame is not None
        assert frame["clusters"]["upserted"] == [{"name": "dead"}]


async def test_what_is_for_those_who_view_everything_should_be_null_or_forbidden_for_others(
    guarded: Nexus, ann: str
) -> None:
    answer = await guarded.execute(
        "{ serverInfo { version subscribers watches } discoverClusters { name } }", token=ann
    )
    assert answer.codes == ["FORBIDDEN"]
    assert answer.data is not None
    assert answer.data["serverInfo"]["subscribers"] is None
    assert answer.data["serverInfo"]["watches"] is None
    document = 'subscription { logs(input: {cluster: "dead", kubernetesNamespace: "kube-system"}) { cursor } }'
    async with guarded.subscribe(document, token=ann) as frames:
        frame = await frames.next()
        assert frame is not None
        assert frame.codes == ["FORBIDDEN"]


async def test_a_health_feed_should_tell_only_of_its_scope(guarded: Nexus, ann: str) -> None:
    document = "subscription ($scope: Path!) { health(scope: $scope) { kind upserted { path } summary { missing suspended healthy unknown progressing degraded } } }"
    async with guarded.subscribe(document, {"scope": MODELS}, ann) as frames:
        frame = await frames.next()
        assert frame is not None
        assert [one["path"] for one in frame["health"]["upserted"]] == [CHURN, DEMAND]
        await declare(guarded, "or/local/ddk/hidden")
        await declare(guarded, f"{MODELS}/seen")
        frame = await frames.next()
        assert frame is not None
        assert [one["path"] for one in frame["health"]["upserted"]] == [f"{MODELS}/seen"]


async def test_grants_should_add_up_over_levels(guarded: Nexus, ann: str) -> None:
    document = "query ($path: Path!) { level(path: $path) { viewerRole } }"

    async def role(path: str) -> Any:
        level = (await guarded.execute(document, {"path": path}, ann))["level"]
        return level and level["viewerRole"]

    await guarded.mutate(GRANT, {"subject": "ann", "role": "DEPLOYER", "path": CHURN})
    assert (await role(CHURN), await role(DEMAND)) == ("DEPLOYER", "VIEWER")
    await guarded.mutate(GRANT, {"subject": "ann", "role": "ADMIN", "path": "or"})
    assert (await role(CHURN), await role("or/prod"), await role("other")) == ("ADMIN", "ADMIN", None)
    await guarded.mutate(GRANT, {"subject": "ann", "role": "NONE", "path": "or"})
    await guarded.mutate(GRANT, {"subject": "ann", "role": "NONE", "path": MODELS})
    assert (await role(CHURN), await role(DEMAND), await role(MODELS)) == ("DEPLOYER", None, "NONE")


async def test_somebody_without_any_grant_should_see_nothing(guarded: Nexus, ann: str) -> None:
    nobody = await person(guarded, "nobody", {})
    document = "{ viewer { name role } projects { path } applications { totalCount } clusters { name } grants { id } operations { nodes { id } } }"
    answer = await guarded.execute(document, token=nobody)
    assert answer["viewer"] == {"name": "nobody", "role": "NONE"}
    assert answer["projects"] == answer["clusters"] == answer["grants"] == answer["operations"]["nodes"] == []
    assert answer["applications"]["totalCount"] == 0


DEPLOY = """mutation ($path: Path!, $patch: SettingsPatch, $dryRun: Boolean) {
  deploy(path: $path, patch: $patch, options: {dryRun: $dryRun}) { operation { id }
    problems { code message path remedy } warnings { code message path remedy } } }"""


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_deployment_should_not_tell_a_hidden_application_from_one_that_is_not_there(
    guarded: Nexus, dry_run: bool
) -> None:
    await declare_deployable(guarded, CHURN)
    await declare_all_below(guarded)
    bob = await person(guarded, "bob", {MODELS: "DEPLOYER"})

    async def said(name: str) -> str:
        patch = {"env": [{"name": "U", "value": {"service": {"ref": f"ddk/{name}"}}}]}
        answer = await guarded.execute(DEPLOY, {"path": CHURN, "patch": patch, "dryRun": dry_run}, bob)
        (problem,) = answer["deploy"]["problems"]
        assert (problem["code"], problem["path"]) == ("MISSING_REFERENCE", ["patch", "env", "0"])
        return answer.text.replace(name, "…")

    assert await said("features") == await said("nothing")


async def declare_all_below(nexus: Nexus) -> None:
    await declare(nexus, "or/local/ddk")
    await declare(nexus, FEATURES)


async def test_a_reference_that_others_set_should_not_keep_somebody_from_deploying(guarded: Nexus) -> None:
    await declare_deployable(guarded, CHURN)
    await declare_all_below(guarded)
    await configure(guarded, CHURN, {"env": [{"name": "U", "value": {"service": {"ref": "ddk/features"}}}]})
    bob = await person(guarded, "bob", {MODELS: "DEPLOYER"})
    done = await guarded.mutate(DEPLOY, {"path": CHURN, "patch": {"replicas": 2}}, bob)
    assert done["operation"] is not None
    assert done["warnings"] == []


async def test_a_new_application_should_be_warned_of_what_its_settings_refer_to(guarded: Nexus) -> None:
    await declare_all(guarded, "or/local/models", FEATURES)
    bob = await person(guarded, "bob", {MODELS: "DEPLOYER"})
    document = """mutation ($input: CreateApplicationInput!) {
      createApplication(input: $input) { application { path } problems { code } warnings { code message path } } }"""

    async def made(name: str, ref: str, token: str | None) -> Any:
        settings = {"dependsOn": [{"ref": ref}]}
        return await guarded.mutate(
            document, {"input": {"namespace": MODELS, "name": name, "settings": settings}}, token
        )

    missing = {"code": "MISSING_REFERENCE", "path": ["input", "settings", "dependsOn", "0"]}
    for name, ref in (("a", "ddk/nothing"), ("b", "ddk/features")):
        (warning,) = (await made(name, ref, bob))["warnings"]
        assert f"`{ref}`" in warning.pop("message")
        assert warning == missing
    assert (await made("c", "ddk/features", None))["warnings"] == []


async def test_a_cluster_that_is_not_there_should_not_lead_to_the_names_of_those_that_are(guarded: Nexus) -> None:
    await declare_all(guarded, "or/local")
    await join_dead_cluster(guarded, "secret-one")
    bob = await person(guarded, "bob", {"or": "ADMIN"})
    document = 'mutation { updateLevel(path: "or/local", input: {cluster: "no"}) { problems { code message } } }'
    (problem,) = (await guarded.execute(document, token=bob))["updateLevel"]["problems"]
    assert problem == {"code": "NOT_FOUND", "message": "No cluster `no` is registered (there: none)."}
    assert "secret-one" in (await guarded.execute(document)).text
