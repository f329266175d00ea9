"""The texts of a cluster's workloads are read again only where they changed."""

from collections.abc import Mapping

import msgspec

from nexus_gql.live import Template
from nexus_gql.topology import Mention, Workload
from nexus_gql.topology.texts import Texts

from .cluster_of_cases import template, variables

CONF = {"settings": {"app.conf": "url = http://features:8080"}, "other": {"x": "http://cache"}}
MOUNTED = [{"name": "v", "configMap": {"name": "settings"}}]


def workload(name: str, made: Template) -> Workload:
    """As a new reading makes it of a new event: equal, and another object."""
    return Workload(name, "shop", name, template=msgspec.json.decode(msgspec.json.encode(made), type=Template))


def reading(
    texts: Texts, made: Mapping[str, Template], files: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[Mention, ...]]:
    found = texts.mentioned([workload(name, one) for name, one in made.items()], lambda _: files)
    return {one.node: mentioned for one, mentioned in found}


def hosts(mentioned: tuple[Mention, ...]) -> list[str]:
    return [one.address.host for one in mentioned]


def test_what_is_unchanged_should_not_be_read_again() -> None:
    texts = Texts()
    web, job = template(env=variables(A_URL="http://a")), template(volumes=MOUNTED)
    first = reading(texts, {"web": web, "job": job}, CONF)
    # Another text of no concern changed, and a new map is handed over.
    second = reading(texts, {"web": web, "job": job}, {**CONF, "other": {"x": "http://else"}})
    assert {node: hosts(one) for node, one in first.items()} == {"web": ["a"], "job": ["features"]}
    assert all(second[node] is first[node] for node in ("web", "job"))


def test_a_changed_template_or_file_should_be_read_again_and_nothing_else() -> None:
    texts = Texts()
    made = {"web": template(env=variables(A_URL="http://a")), "job": template(volumes=MOUNTED)}
    first = reading(texts, made, CONF)
    made["web"] = template(env=variables(A_URL="http://b"))
    second = reading(texts, made, CONF)
    assert (hosts(second["web"]), second["job"] is first["job"]) == (["b"], True)
    third = reading(texts, made, {"settings": {"app.conf": "url = http://store"}})
    assert (hosts(third["job"]), third["web"] is second["web"]) == (["store"], True)
    assert hosts(reading(texts, made, {})["job"]) == []


def test_what_is_gone_should_be_forgotten() -> None:
    texts = Texts()
    web = {"web": template(env=variables(A_URL="http://a"))}
    first = reading(texts, web, {})
    assert reading(texts, {}, {}) == {}
    assert reading(texts, web, {})["web"] is not first["web"]
