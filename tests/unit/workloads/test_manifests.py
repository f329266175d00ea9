"""From effective settings to Kubernetes objects, by cases in `manifests/cases.yaml`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path as File
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.hierarchy import SETTINGS, object_name, service_name
from nexus_gql.hierarchy.declaration import Group
from nexus_gql.paths import Path
from nexus_gql.workloads.manifests import HIDDEN, render, with_replicas, with_restart
from nexus_gql.workloads.networking import ingress_urls, service_url
from nexus_gql.workloads.pod_template import escaped
from nexus_gql.workloads.rendering import RESTARTED, Manifest, Rendering

CASES: list[dict[str, Any]] = yaml.safe_load((File(__file__).parent / "manifests" / "cases.yaml").read_text())
CASE = pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])


def rendering(settings: Mapping[str, Any], **more: Any) -> Rendering:
    secret = any(isinstance(value, dict) and "secret" in value for value in settings.values())
    given = {"secrets_fingerprint": "f1" if secret else None, **more}
    return Rendering(
        Path("or/local/models/churn"),
        "app-1",
        "inst-1",
        "or-local-models",
        {"image.repository": "ghcr.io/or/churn", **settings},
        {"FEATURES": "http://features.or-local-ddk:8080"},
        **given,
    )


def at(manifest: Any, path: str) -> Any:
    """What lies at a path in an object: None where nothing does."""
    for step in path.split("."):
        manifest = manifest[int(step)] if isinstance(manifest, list) else (manifest or {}).get(step)
    return manifest


@CASE
def test_settings_should_make_the_objects_of_their_case(case: dict[str, Any]) -> None:
    objects = {manifest["kind"]: manifest for manifest in render(rendering(case.get("settings", {})))}

    for kind, expected in case["expect"].items():
        assert {path: at(objects[kind], path) for path in expected} == expected
    if "kinds" in case:
        assert list(objects) == case["kinds"]


@CASE
def test_the_same_settings_should_always_make_the_same_objects(case: dict[str, Any]) -> None:
    settings = case.get("settings", {})
    backwards = dict(reversed(settings.items()))

    assert json.dumps(render(rendering(settings))) == json.dumps(render(rendering(settings)))
    assert render(rendering(settings)) == render(rendering(backwards))


@CASE
def test_objects_should_be_json_in_their_place_with_their_marks(case: dict[str, Any]) -> None:
    for manifest in render(rendering(case.get("settings", {}))):
        assert json.loads(json.dumps(manifest)) == manifest
        metadata = manifest["metadata"]
        assert metadata["namespace"] == "or-local-models"
        assert metadata["annotations"]["nexus.optimal-reality.io/path"] == "or/local/models/churn"
        assert metadata["labels"]["nexus.optimal-reality.io/application"] == "app-1"
        assert metadata["labels"]["nexus.optimal-reality.io/installation"] == "inst-1"


def test_every_setting_should_have_a_case() -> None:
    used = {key for case in CASES for key in case.get("settings", {})} | {"image.repository"}

    # What it depends on is in no object: `deploy` looks whether it is there.
    used |= {"dependsOn"}
    missing = [
        key for key in settings_there_are() if not any(name == key or name.startswith(f"{key}.") for name in used)
    ]
    assert missing == []


def settings_there_are() -> Iterator[str]:
    for setting in SETTINGS:
        if isinstance(setting, Group):
            yield from (f"{setting.name}.{field.name}" for field in setting.fields)
        else:
            yield setting.name


# ── what Kubernetes would replace ──


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """What a container sees of a value, as Kubernetes' third_party/forked/golang/expansion/expand.go does it."""
    result, at = "", 0
    while at < len(text):
        if text[at] == "$" and at + 1 < len(text):
            following = text[at + 1]
            end = text.find(")", at + 2)
            if following == "$":
                result, at = result + "$", at + 2
            elif following == "(" and end >= 0:
                name = text[at + 2 : end]
                result, at = result + variables.get(name, f"$({name})"), end + 1
            elif following == "(":
                result, at = result + "$(", at + 2
            else:
                result, at = result + "$" + following, at + 2
        else:
            result, at = result + text[at], at + 1
    return result


@given(st.text(alphabet="$()AB5 ", max_size=12))
def test_a_text_should_reach_the_container_as_it_was_written(text: str) -> None:
    assert expanded(escaped(text), {"A": "!", "B": "?"}) == text


@given(st.text(alphabet=st.characters(exclude_characters="$"), max_size=12))
def test_a_text_without_a_dollar_should_be_left_alone(text: str) -> None:
    assert escaped(text) == text


# ── secrets, restarts, replicas ──


def test_no_object_should_hold_more_of_a_secret_than_its_name() -> None:
    objects = render(rendering({"env.TOKEN": {"secret": "7d1f-reference"}}))

    assert "7d1f-reference" not in json.dumps(objects)
    assert objects[0]["data"] == {"TOKEN": HIDDEN}


def template(objects: list[Manifest]) -> Any:
    return objects[-1]["spec"]["template"]


def test_pods_should_be_made_anew_when_a_secret_or_a_file_or_the_stamp_changes() -> None:
    secret, file = {"env.T": {"secret": "r"}}, {"files.a": {"mountPath": "/a", "text": "1"}}
    other = {"files.a": {"mountPath": "/a", "text": "2"}}

    assert template(render(rendering(secret))) != template(render(rendering(secret, secrets_fingerprint="f2")))
    assert template(render(rendering(file))) != template(render(rendering(other)))
    assert template(render(rendering({}))) != template(with_restart(render(rendering({})), "2026-11-24T08:00:00Z"))


def test_a_restart_should_change_nothing_but_the_stamp() -> None:
    before = render(rendering({"annotations.a": "b", "ports.http": {"port": 80}}))
    after = with_restart(before, "2026-11-24T08:00:00Z")

    stamp = template(after)["metadata"]["annotations"].pop(RESTARTED)
    assert (stamp, after) == ("2026-11-24T08:00:00Z", before)


def test_scaling_should_change_nothing_but_the_replicas() -> None:
    settings = {"ports.http": {"port": 80}}

    assert with_replicas(render(rendering(settings)), 5) == render(rendering({**settings, "replicas": 5}))


@pytest.mark.parametrize(
    ("port", "url"),
    [("http", "http://f.ns:80"), ("https", "https://f.ns:80"), ("http-metrics", "http://f.ns:80"), ("grpc", "f.ns:80")],
)
def test_an_address_should_be_a_url_where_the_ports_name_says_so(port: str, url: str) -> None:
    assert service_url("f", "ns", port, 80) == url


# ── names and addresses ──


def test_a_name_that_would_be_too_long_should_be_cut_and_stay_different() -> None:
    one, other = (Path(f"or/local/models/{'a' * 60}{end}") for end in ("bc", "bd"))

    assert object_name(Path("or/local/models/churn"), "-env") == "churn-env"
    assert len(object_name(one, "-env")) == 63
    assert object_name(one, "-env").endswith("-env")
    assert object_name(one, "-env") != object_name(other, "-env")


def test_the_addresses_outside_should_be_those_of_rules_with_a_host() -> None:
    settings = {
        "ports.http": {"port": 8080},
        "ingress.a": {"host": "churn.example.org", "path": "/v1/"},
        "ingress.b": {"host": "churn.example.org", "tlsSecret": "cert"},
        "ingress.c": {"path": "/everywhere"},
        "ingress.d": {"host": "*.example.org"},
    }

    assert ingress_urls(settings) == ["http://churn.example.org/v1", "https://churn.example.org"]
    assert ingress_urls({**settings, "workload": "JOB"}) == []


@pytest.mark.parametrize(
    ("application", "service"), [("churn", "churn"), ("2fa", "app-2fa"), ("1" * 63, "app-" + "1" * 50 + "-d4a6f0bc")]
)
def test_a_service_should_be_named_as_its_application_with_a_letter_first(application: str, service: str) -> None:
    """A Service named `2fa` is refused by the apiserver, though an application, a Deployment and a pod may be called so."""
    assert service_name(Path(f"or/local/models/{application}")) == service
