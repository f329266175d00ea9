"""Each setting goes in as it is spelled in SettingsPatch, and comes out the same: as typed fields and in the documents."""

from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

from nexus_gql.schema import build_schema

from .hierarchy import configure, declare_all
from .server import Nexus

CHURN = "or/local/models/churn"
SCHEMA: GraphQLSchema = build_schema()._schema

# setting: what is put in (each field of it somewhere), and how the document has it, where that is not the same.
CASES: dict[str, tuple[Any, Any]] = {
    "image": (
        {
            "repository": "ghcr.io/or/churn",
            "tag": "1.2",
            "digest": "sha256:" + "a" * 64,
            "pullPolicy": "IfNotPresent",
            "pullSecret": "hub",
        },
        ...,
    ),
    "replicas": (3, ...),
    "rollout": ({"strategy": "ROLLING", "maxSurge": "25%", "maxUnavailable": "1", "deadline": "1m30s"}, ...),
    "command": (["serve", "--port", "80"], ...),
    "args": (["--verbose", ""], ...),
    "env": (
        [
            {"name": "KEY", "value": {"secretKey": {"secret": "db", "key": "password"}}},
            {"name": "MODE", "value": {"text": "fast"}},
            {"name": "URL", "value": {"service": {"ref": "demand", "port": "http"}}},
        ],
        {
            "KEY": {"secretKey": {"secret": "db", "key": "password"}},
            "MODE": {"text": "fast"},
            "URL": {"service": {"ref": "demand", "port": "http"}},
        },
    ),
    "ports": (
        [
            {"name": "dns", "port": 53, "targetPort": 5353, "protocol": "UDP", "expose": True},
            {"name": "http", "port": 8000, "targetPort": 8001, "protocol": "TCP", "expose": False},
        ],
        {
            "dns": {"port": 53, "targetPort": 5353, "protocol": "UDP", "expose": True},
            "http": {"port": 8000, "targetPort": 8001, "protocol": "TCP", "expose": False},
        },
    ),
    "resources": (
        {"cpuRequest": "250m", "cpuLimit": "2", "memoryRequest": "512Mi", "memoryLimit": "1Gi", "gpus": 0},
        ...,
    ),
    "probes": (
        {
            "liveness": {
                "httpPath": "/healthz",
                "port": "http",
                "initialDelay": "5s",
                "period": "10s",
                "timeout": "2s",
            },
            "readiness": {"command": ["ready"], "failures": 2},
            "startup": {"tcp": True, "port": "8000"},
        },
        ...,
    ),
    "files": (
        [{"name": "config.yaml", "mountPath": "/etc/app/config.yaml", "text": "a: 1\n"}],
        {"config.yaml": {"mountPath": "/etc/app/config.yaml", "text": "a: 1\n"}},
    ),
    "serviceAccount": ("models", ...),
    "labels": ([{"name": "app.kubernetes.io/part-of", "value": "or"}], {"app.kubernetes.io/part-of": "or"}),
    "annotations": ([{"name": "note", "value": "anything at all"}], {"note": "anything at all"}),
    "nodeSelector": ([{"name": "disk", "value": "ssd"}], {"disk": "ssd"}),
    "tolerations": ([{"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}], ...),
    "securityContext": (
        {"runAsUser": 1000, "runAsGroup": 1001, "runAsNonRoot": True, "readOnlyRootFilesystem": True, "fsGroup": 1002},
        ...,
    ),
    "terminationGrace": ("45s", ...),
    "workload": ("STATEFUL_SET", ...),
    "autoscaling": ({"min": 2, "max": 5, "cpuPercent": 60}, ...),
    "schedule": (
        {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "concurrency": "FORBID", "suspended": True},
        ...,
    ),
    "job": ({"completions": 3, "parallelism": 2, "retries": 1, "timeLimit": "1h", "keepFinished": "5m"}, ...),
    "ingress": (
        [
            {
                "name": "web",
                "host": "churn.example.org",
                "path": "/v1",
                "port": "http",
                "className": "nginx",
                "tlsSecret": "cert",
                "annotations": [{"name": "example.org/limit", "value": "5"}],
            }
        ],
        {
            "web": {
                "host": "churn.example.org",
                "path": "/v1",
                "port": "http",
                "className": "nginx",
                "tlsSecret": "cert",
                "annotations": {"example.org/limit": "5"},
            }
        },
    ),
    "volumes": (
        [{"name": "data", "mountPath": "/data", "size": "1Gi", "storageClass": "fast"}],
        {"data": {"mountPath": "/data", "size": "1Gi", "storageClass": "fast"}},
    ),
    "dependsOn": ([{"ref": "demand", "need": "OPTIONAL"}], {"demand": {"need": "OPTIONAL"}}),
}


def patch_type() -> GraphQLInputObjectType:
    found = SCHEMA.type_map["SettingsPatch"]
    assert isinstance(found, GraphQLInputObjectType)
    return found


def test_every_setting_of_the_patch_should_have_a_case() -> None:
    assert CASES.keys() == patch_type().fields.keys() - {"inherit", "remove"}


@pytest.mark.parametrize("setting", CASES)
def test_every_field_of_a_setting_should_be_in_its_case(setting: str) -> None:
    named = get_named_type(patch_type().fields[setting].type)
    if isinstance(named, GraphQLInputObjectType):
        assert _said(CASES[setting][0]) >= _fields(named) - {"secret"} | {"name"} & _fields(named)


def _fields(input_type: GraphQLInputObjectType) -> set[str]:
    """The names of all fields at any depth; a secret comes out masked and has tests of its own."""
    found: set[str] = set()
    for name, field in input_type.fields.items():
        found.add(name)
        inner = get_named_type(field.type)
        if isinstance(inner, GraphQLInputObjectType):
            found |= _fields(inner)
    return found


def _said(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_said, value.values()))
    return set().union(*map(_said, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("setting", CASES)
async def test_a_setting_should_come_out_as_it_went_in(nexus: Nexus, setting: str) -> None:
    await declare_all(nexus, CHURN)
    given, shaped = CASES[setting]
    await configure(nexus, CHURN, {setting: given})
    document = f"""query ($path: Path!) {{ application(path: $path) {{
      settings {{ document {_selection(setting)} }} effective {{ document settings {{ {_selection(setting)} }} }} }} }}"""
    found = (await nexus.execute(document, {"path": CHURN}))["application"]

    in_document = given if shaped is ... else shaped
    assert found["settings"]["document"] == {setting: in_document}
    assert _spelled(found["settings"][setting]) == given
    assert _part(found["effective"]["document"][setting], in_document) == in_document
    effective = _spelled(found["effective"]["settings"][setting])
    if isinstance(given, list) and given and isinstance(given[0], dict):
        assert [one for one in effective if one in given] == given
    else:
        assert _part(effective, given) == given


def _selection(setting: str) -> str:
    """All that can be asked of a setting, each variant's fields by an alias of its own."""
    settings = SCHEMA.type_map["Settings"]
    assert isinstance(settings, GraphQLObjectType)
    return f"{setting} {_inside(get_named_type(settings.fields[setting].type))}"


def _inside(type_: Any) -> str:
    if isinstance(type_, GraphQLUnionType):
        return "{ __typename ... on TextValue { text } ... on SecretKeyValue { secret key } ... on ServiceValue { ref port } }"
    if not isinstance(type_, GraphQLObjectType):
        return ""
    return (
        "{ " + " ".join(f"{name} {_inside(get_named_type(field.type))}" for name, field in type_.fields.items()) + " }"
    )


_VARIANTS = {"SecretKeyValue": "secretKey", "ServiceValue": "service"}


def _spelled(value: Any) -> Any:
    """What came out, as a patch would spell it: without nulls, a variant by its name."""
    if isinstance(value, list):
        return [_spelled(one) for one in value]
    if not isinstance(value, dict):
        return value
    plain = {name: _spelled(inner) for name, inner in value.items() if inner is not None and name != "__typename"}
    variant = _VARIANTS.get(value.get("__typename", ""))
    return {variant: plain} if variant else plain


def _part(value: Any, like: Any) -> Any:
    """Of a mapping only what another has too: effective settings have defaults besides."""
    return {name: value.get(name) for name in like} if isinstance(like, dict) else value


def test_required_fields_of_what_comes_out_should_be_required_of_what_goes_in() -> None:
    """A partial value could otherwise be stored that cannot be shown."""
    pairs = {"Port": "PortPatch", "Label": "LabelPatch", "EnvVar": "EnvVarPatch", "SecretKeyValue": "SecretKeyPatch"}
    for shown, put in pairs.items():
        output, given = SCHEMA.type_map[shown], SCHEMA.type_map[put]
        assert isinstance(output, GraphQLObjectType)
        assert isinstance(given, GraphQLInputObjectType)
        for name, field in output.fields.items():
            assert not isinstance(field.type, GraphQLNonNull) or isinstance(given.fields[name].type, GraphQLNonNull)
