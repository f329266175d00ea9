"""What each setting of the contract means when levels set, drop and remove it."""

from typing import Any

import pytest

from nexus_gql.hierarchy import SETTINGS, ApplicationKind, Effective, OriginKind, UnknownKey, inconsistencies, missing
from nexus_gql.hierarchy.configuring import checked_patch
from nexus_gql.hierarchy.patches import apply
from nexus_gql.hierarchy.placeholders import substitute
from nexus_gql.hierarchy.provenance import effective
from nexus_gql.paths import Path, lineage

APPLICATION = Path("or/local/models/churn")
DIGEST = "sha256:" + "0" * 64


def patched(document: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    patch, problems = checked_patch(shape, "patch")
    assert problems == []
    return apply(document, patch, SETTINGS)


def levels(*documents: dict[str, Any], kind: ApplicationKind | None = ApplicationKind.SERVICE) -> Effective:
    """The application under some of its levels' documents, from the project down; the missing ones are empty."""
    steps = lineage(APPLICATION)
    given = [*documents, *({} for _ in steps[len(documents) :])]
    return effective(APPLICATION, list(zip(steps, given, strict=True)), kind, SETTINGS)


# ── what drops what ──


@pytest.mark.parametrize("setter", ["tag", "repository"])
def test_a_tag_or_repository_without_digest_should_drop_the_inherited_digest(setter: str) -> None:
    settings = levels({"image.digest": DIGEST, "image.repository": "a"}, {f"image.{setter}": "b"})
    assert settings.value("image.digest") is None


def test_a_tag_with_a_digest_should_keep_it() -> None:
    settings = levels({"image.digest": DIGEST}, {"image.tag": "b", "image.digest": "sha256:" + "1" * 64})
    digest = settings.value("image.digest")
    assert digest is not None
    assert (digest.value, digest.origin.kind) == ("sha256:" + "1" * 64, OriginKind.ENVIRONMENT)


def test_a_command_without_args_should_drop_inherited_args_and_empty_args_should_be_a_value() -> None:
    assert levels({"args": ["a"]}, {"command": ["c"]}).value("args") is None
    empty = levels({"args": ["a"]}, {"command": ["c"], "args": []}).value("args")
    assert empty is not None
    assert empty.value == []


def test_a_digest_below_a_dropping_tag_should_be_in_force() -> None:
    settings = levels({"image.digest": "old"}, {"image.tag": "b"}, {"image.digest": DIGEST})
    digest = settings.value("image.digest")
    assert digest is not None
    assert [value for _, value in digest.overrides] == [None, "old"]


@pytest.mark.parametrize(
    ("document", "shape", "after"),
    [
        ({"image.digest": DIGEST}, {"image": {"tag": "b"}}, {"image.tag": "b"}),
        ({"image.digest": DIGEST}, {"image": {"repository": "b"}}, {"image.repository": "b"}),
        (
            {"image.digest": DIGEST},
            {"image": {"pullPolicy": "Always"}},
            {"image.digest": DIGEST, "image.pullPolicy": "Always"},
        ),
        ({"args": ["a"]}, {"command": ["c"]}, {"command": ["c"]}),
        ({"args": ["a"], "command": ["b"]}, {"command": []}, {"command": []}),
        ({"args": ["a"]}, {"command": ["c"], "args": ["d"]}, {"command": ["c"], "args": ["d"]}),
    ],
)
def test_a_patch_that_drops_should_drop_the_levels_own_as_well(
    document: dict[str, Any], shape: dict[str, Any], after: dict[str, Any]
) -> None:
    assert patched(document, shape) == after


def test_a_digest_removed_by_name_should_stay_removed_when_a_tag_is_set_and_inherited_again() -> None:
    document = patched({}, {"image": {"tag": "b"}, "remove": ["image.digest"]})
    assert document == {"image.tag": "b", "image.digest": None}
    assert patched(patched({"image.digest": None}, {"image": {"tag": "b"}}), {"inherit": ["image.tag"]}) == {
        "image.digest": None
    }


# ── taking away ──


def test_a_removed_list_should_be_gone_with_whatever_is_added_above_later() -> None:
    below = patched({}, {"remove": ["env"]})
    assert levels({"env.A": {"text": "a"}}, below).value("env.A") is None
    assert (
        levels({"env.A": {"text": "a"}, "env.LATER": {"text": "b"}}, below)
        .document.keys()
        .isdisjoint({"env.A", "env.LATER"})
    )


def test_what_is_set_below_a_removed_list_should_be_all_there_is() -> None:
    document = patched(patched({}, {"remove": ["labels"]}), {"labels": [{"name": "team", "value": "ml"}]})
    settings = levels({"labels.cost": "high"}, document)
    assert {key: value for key, value in settings.document.items() if key.startswith("labels.")} == {
        "labels.team": "ml"
    }
    assert settings.shape["labels"] == {"team": "ml"}


def test_removing_a_list_should_take_the_levels_own_entries_with_it() -> None:
    assert patched({"env.A": {"text": "a"}, "replicas": 2}, {"remove": ["env"]}) == {"env": None, "replicas": 2}


def test_an_inherited_list_should_show_again() -> None:
    assert patched({"env": None, "env.A": {"text": "a"}}, {"inherit": ["env"]}) == {}


@pytest.mark.parametrize("setting", [*SETTINGS], ids=lambda setting: setting.name)
def test_null_should_be_as_naming_the_key_in_inherit(setting: Any) -> None:
    document = {"replicas": 2, "image.tag": "a", "env.A": {"text": "a"}, "labels.a": "b", setting.name: None}
    assert patched(document, {setting.name: None}) == patched(document, {"inherit": [setting.name]})


def test_null_in_a_group_should_inherit_that_field_only() -> None:
    assert patched({"image.tag": "a", "image.repository": "r"}, {"image": {"tag": None}}) == {"image.repository": "r"}


def test_an_empty_list_of_named_entries_should_change_nothing() -> None:
    assert patched({"env.A": {"text": "a"}}, {"env": []}) == {"env.A": {"text": "a"}}


def test_a_name_that_begins_like_another_should_be_left_alone() -> None:
    """Names hold dots: `labels.app` is no group that `labels.app.kubernetes.io/part-of` is in."""
    document = {"labels.app": "a", "labels.app.kubernetes.io/part-of": "b", "files.x": 1, "files.x.yaml": 2}
    assert patched(document, {"inherit": ["labels.app", "files.x"]}) == {
        "labels.app.kubernetes.io/part-of": "b",
        "files.x.yaml": 2,
    }
    assert patched({}, {"labels": [{"name": "app.kubernetes.io/part-of", "value": "b"}], "remove": ["labels.app"]}) == {
        "labels.app": None,
        "labels.app.kubernetes.io/part-of": "b",
    }


def test_nulls_in_records_should_be_as_if_absent() -> None:
    shape = {
        "tolerations": [{"key": None, "operator": "Exists", "value": None, "effect": None}],
        "ports": [{"name": "http", "port": 80, "targetPort": None}],
        "probes": {"liveness": {"tcp": True, "httpPath": None}},
    }
    assert patched({}, shape) == {
        "tolerations": [{"operator": "Exists"}],
        "ports.http": {"port": 80},
        "probes.liveness": {"tcp": True},
    }


# ── placeholders ──


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("${project}-${environment}-${namespace}-${application}", "or-local-models-churn"),
        ("$${project}", "${project}"),
        ("$$${project}", "$${project}"),
        ("${project}${project}", "oror"),
        (
            "$project ${} ${HOME} $5 $$ $(POD) ${Project} ${ project }",
            "$project ${} ${HOME} $5 $$ $(POD) ${Project} ${ project }",
        ),
        ("$${HOME}", "$${HOME}"),
        ("${${project}}", "${or}"),
    ],
)
def test_placeholders_should_be_replaced_and_every_other_dollar_left(text: str, becomes: str) -> None:
    settings = levels({"env.A": {"text": text}, "args": [text], "annotations.a": text})
    assert settings.document["env.A"] == {"text": becomes}
    assert settings.document["args"] == [becomes]
    assert settings.document["annotations.a"] == becomes


def test_a_placeholder_of_a_lower_level_should_stay_until_there_is_one() -> None:
    project = effective(Path("or"), [(Path("or"), {"args": ["${project} ${application}"]})], None, SETTINGS)
    assert project.document["args"] == ["or ${application}"]


def test_overridden_values_should_have_their_placeholders_replaced() -> None:
    resolved = levels({"serviceAccount": "${project}"}, {"serviceAccount": "other"}).value("serviceAccount")
    assert resolved is not None
    assert [value for _, value in resolved.overrides] == ["or"]


def test_a_value_that_is_replaced_should_not_be_replaced_again() -> None:
    assert substitute("${project}", {"project": "${environment}", "environment": "x"}) == "${environment}"


# ── defaults ──

ALL = {
    "workload": "DEPLOYMENT",
    "replicas": 1,
    "resources.cpuRequest": "100m",
    "resources.memoryRequest": "128Mi",
    "rollout.strategy": "ROLLING",
    "rollout.maxUnavailable": "0",
    "rollout.deadline": "10m",
}


@pytest.mark.parametrize("kind", ApplicationKind)
def test_each_kind_should_have_its_defaults(kind: ApplicationKind) -> None:
    probe = {"probes.readiness": {"tcp": True, "port": "http"}}
    expected = {**ALL, "ports.http": {"port": 8080}, **probe}
    if kind is ApplicationKind.FRONTEND:
        expected = {**ALL, "ports.http": {"port": 80}}
    settings = levels(kind=kind)
    assert settings.document == expected
    assert {resolved.origin.kind for resolved in settings.values} == {OriginKind.DEFAULT}
    assert inconsistencies(settings.document, SETTINGS) == []


REQUESTS = {"resources.cpuRequest": "100m", "resources.memoryRequest": "128Mi"}
ROLLING = {"rollout.strategy": "ROLLING", "rollout.deadline": "10m"}


@pytest.mark.parametrize(
    ("workload", "expected"),
    [
        ("JOB", REQUESTS),
        ("CRON_JOB", REQUESTS),
        ("STATEFUL_SET", REQUESTS | ROLLING | {"replicas": 1}),
        ("DAEMON_SET", REQUESTS | ROLLING | {"rollout.maxSurge": "1", "rollout.maxUnavailable": "0"}),
        ("DEPLOYMENT", REQUESTS | ROLLING | {"replicas": 1, "rollout.maxUnavailable": "0"}),
    ],
)
def test_each_workload_should_have_its_defaults(workload: str, expected: dict[str, object]) -> None:
    assert levels({"workload": workload}, kind=None).document == {"workload": workload, **expected}


def test_a_daemon_set_that_may_have_fewer_pods_should_not_have_more_by_default() -> None:
    document = levels({"workload": "DAEMON_SET", "rollout.maxUnavailable": "1"}, kind=None).document
    assert "rollout.maxSurge" not in document
    assert inconsistencies(document, SETTINGS) == []


def test_a_level_above_applications_should_have_no_port_and_no_probe() -> None:
    assert levels(kind=None).document == ALL


@pytest.mark.parametrize(
    ("document", "there"),
    [
        ({}, True),
        ({"ports.http": {"port": 9000}}, True),
        ({"ports.grpc": {"port": 9000}}, True),
        ({"ports.http": None}, False),
        ({"ports": None}, False),
        ({"ports": None, "ports.grpc": {"port": 9000}}, False),
        ({"ports": None, "ports.http": {"port": 9000}}, True),
        ({"ports.http": {"port": 9000, "protocol": "UDP"}}, False),
        ({"probes": None}, False),
        ({"probes.readiness": None}, False),
    ],
)
def test_the_default_probe_should_be_there_while_the_http_port_is(document: dict[str, Any], there: bool) -> None:
    settings = levels({}, document)
    assert ("probes.readiness" in settings.document) is there
    assert inconsistencies(settings.document, SETTINGS) == []


def test_a_readiness_probe_should_replace_the_default_as_a_whole() -> None:
    readiness = levels({"probes.readiness": {"httpPath": "/healthz"}}).document["probes.readiness"]
    assert readiness == {"httpPath": "/healthz"}


@pytest.mark.parametrize(
    ("document", "strategy", "bound"),
    [
        ({"resources.gpus": 1}, "RECREATE", None),
        ({"resources.gpus": 0}, "ROLLING", "0"),
        ({"resources.gpus": None}, "ROLLING", "0"),
        ({"resources.gpus": 1, "rollout.strategy": "ROLLING"}, "ROLLING", "0"),
        ({"rollout.strategy": "RECREATE"}, "RECREATE", None),
        ({"rollout.strategy": None}, None, "0"),
    ],
)
def test_gpus_should_be_taken_over_by_recreating(
    document: dict[str, Any], strategy: str | None, bound: str | None
) -> None:
    found = levels(document).document
    assert (found.get("rollout.strategy"), found.get("rollout.maxUnavailable")) == (strategy, bound)
    assert inconsistencies(found, SETTINGS) == []


@pytest.mark.parametrize(
    ("document", "key", "request_"),
    [
        ({"resources.memoryLimit": "64Mi"}, "resources.memoryRequest", "64Mi"),
        ({"resources.memoryLimit": "1Gi"}, "resources.memoryRequest", "128Mi"),
        ({"resources.cpuLimit": "50m"}, "resources.cpuRequest", "50m"),
        ({"resources.cpuLimit": None}, "resources.cpuRequest", "100m"),
    ],
)
def test_a_default_request_should_never_be_above_the_limit(document: dict[str, Any], key: str, request_: str) -> None:
    assert levels(document).document[key] == request_


def test_what_a_deployment_needs_and_nobody_has_set_should_be_named() -> None:
    assert [wrong.key for wrong in missing(levels().document)] == ["image.repository"]
    assert missing(levels({"image.repository": "a"}).document) == []


# ── keys ──


@pytest.mark.parametrize(
    "key", ["replicas", "image", "image.tag", "env", "env.A", "labels.app.kubernetes.io/part-of", "files.a.yaml"]
)
def test_a_key_of_the_contract_should_be_known(key: str) -> None:
    SETTINGS.key(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "nothing",
        "replicas.x",
        "image.",
        "image.nothing",
        "env.",
        "env.1A",
        "ports.A_B",
        "labels.nexus.optimal-reality.io/application",
        "labels.sub.nexus.optimal-reality.io/x",
        "\ud800",
        "env.\ud800",
        "a\0b",
        "x" * 2_000_000,
        "env." + "x" * 2_000_000,
        "image." + "\ud800" * 1000,
        "replicas.\ud800",
    ],
)
def test_an_unknown_key_should_be_refused_in_few_words_that_can_be_sent(key: str) -> None:
    with pytest.raises(UnknownKey) as refusal:
        SETTINGS.key(key)
    message = str(refusal.value)
    assert len(message.encode()) < 1000
    assert "\0" not in message
