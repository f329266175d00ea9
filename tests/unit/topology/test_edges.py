"""From texts to edges: the table of cases, and what it cannot show."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexus_gql.hierarchy import Need
from nexus_gql.paths import Path as LevelPath
from nexus_gql.topology import (
    Backend,
    Cluster,
    End,
    Finding,
    Node,
    NodeKind,
    Service,
    Source,
    SourceKind,
    Workload,
    declared,
    entrances,
    found,
    mentions,
    merged,
    required_by_workflow,
    undeclared_id,
)
from nexus_gql.topology.edges import Files

from .cluster_of_cases import BACKENDS, SERVICES, WORKLOADS, cluster, consumer, template, variables

Case = dict[str, Any]
CASES: list[Case] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
PAGE = Path(__file__).parents[3] / "docs" / "topology.md"


def called(cluster: Cluster, workload: Workload, files: Files) -> Iterator[Finding]:
    """What a workload's texts say that it calls."""
    return found(cluster, workload, mentions(workload.template, files))


def text_of(case: Case) -> str:
    """The text of a case as the page shows it."""
    if "args" in case:
        return " ".join(case["args"])
    return str(case.get("env", case.get("file")))


def evidence(case: Case) -> dict[str, str]:
    """What is found in a case's texts: the evidence by node."""
    files: dict[str, dict[str, str]] = {}
    if "env" in case:
        pairs = re.split(r" (?=[A-Z_]+=)", case["env"])
        made = template(env=variables(**dict(pair.split("=", 1) for pair in pairs)))
    elif "args" in case:
        made = template(command=case["args"])
    else:
        made = template(volumes=[{"name": "v", "configMap": {"name": "settings"}}])
        files = {"settings": {"app.conf": case["file"]}}
    return {one.target: one.source.evidence for one in called(cluster(), consumer(made), files)}


@pytest.mark.parametrize("case", [pytest.param(case, id=text_of(case)) for case in CASES])
def test_exactly_the_addresses_should_become_edges(case: Case) -> None:
    assert sorted(evidence(case)) == case["edges"]


@pytest.mark.parametrize("case", [pytest.param(case, id=text_of(case)) for case in CASES if case["edges"]])
def test_no_evidence_should_hold_a_user_a_password_or_a_query(case: Case) -> None:
    assert not re.search(r"secret|guest|me[:@/]|p%40ss|password|user=|[?@]", " ".join(evidence(case).values()))


def test_half_of_the_cases_should_be_traps() -> None:
    traps = [case for case in CASES if not case["edges"]]

    assert len(CASES) >= 60
    assert len(traps) >= len(CASES) / 2 - 5


def shown_in_page(case: Case) -> str:
    where = "file" if "file" in case else "command" if "args" in case else "variable"
    text = text_of(case).strip().replace("\n", "⏎").replace("|", "\\|")
    edges = ", ".join(f"`{edge}`" for edge in case["edges"]) or "none"
    return f"| {where} | `{text}` | {edges} | {case['why']} |"


def test_the_page_should_show_the_table() -> None:
    rows = [
        line for line in PAGE.read_text().splitlines() if line.startswith(("| variable |", "| command |", "| file |"))
    ]

    assert rows == [shown_in_page(case) for case in CASES]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://me:secret@features:8080/v1?token=x#y", "URL=http://features:8080/v1"),
        ("http://features:9999", "URL=http://features:9999 (the Service has no port 9999)"),
        ("http://features/a;jsessionid=secret", "URL=http://features/a"),
        ("http://features?token=secret", "URL=http://features"),
        ("http://[fd00::11]:6379", "URL=http://[fd00::11]:6379"),
    ],
)
def test_evidence_should_show_host_port_and_path(text: str, expected: str) -> None:
    made = template(env=variables(URL=text))

    assert [one.source.evidence for one in called(cluster(), consumer(made), {})] == [expected]


def test_a_password_with_a_slash_should_show_nothing_of_itself() -> None:
    made = template(env=variables(URL="redis://features:80/secret@cache:6379"))

    assert list(called(cluster(), consumer(made), {})) == []


def test_evidence_should_say_where_a_file_or_an_argument_stands() -> None:
    made = template(
        args=["--cache-url", "redis://cache"],
        volumes=[{"name": "v", "projected": {"sources": [{"configMap": {"name": "s"}}]}}],
    )

    signs = called(
        cluster(),
        consumer(made),
        {"s": {"a.yaml": "api:\n  url: http://features:8080\n"}, "unused": {"x": "http://split"}},
    )

    assert [one.source.evidence for one in signs] == [
        "command: --cache-url=redis://cache",
        "ConfigMap s, a.yaml: api.url=http://features:8080",
    ]


def test_variables_should_come_from_config_maps_and_never_from_secrets() -> None:
    made = template(
        envFrom=[{"prefix": "X_", "configMapRef": {"name": "all"}}, {"secretRef": {"name": "features"}}],
        env=[
            {"name": "CACHE_URL", "valueFrom": {"configMapKeyRef": {"name": "one", "key": "cache"}}},
            {"name": "X_OLD_URL", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            {"name": "DB", "value": "postgres://$(USER):$(PASSWORD)@db.data:5432/x"},
        ],
    )
    files = {
        "all": {"FEATURES_URL": "http://features:8080", "OLD_URL": "http://split"},
        "one": {"cache": "redis://cache"},
    }

    assert [one.source.evidence for one in called(cluster(), consumer(made), files)] == [
        "X_FEATURES_URL=http://features:8080",
        "CACHE_URL=redis://cache",
        "DB=postgres://db.data:5432/x",
    ]


def test_a_doubled_dollar_should_be_a_dollar() -> None:
    made = template(env=variables(FEATURES="features", URL="http://$$(FEATURES):8080"))

    assert list(called(cluster(), consumer(made), {})) == []


def test_pods_that_do_not_ask_the_clusters_dns_should_reach_services_by_address_only() -> None:
    made = template(env=variables(A="http://features:8080", B="http://10.96.0.11:6379", C="https://api.stripe.com"))

    signs = called(cluster(), consumer(made, dns=False), {})

    assert [one.target for one in signs] == ["cache", "external:api.stripe.com"]


def test_external_names_in_a_circle_should_lead_nowhere() -> None:
    assert list(called(cluster(), consumer(template(env=variables(A="http://circle"))), {})) == []


def test_what_is_missing_should_come_with_a_node_that_says_so() -> None:
    signs = list(called(cluster(), consumer(template(env=variables(A="http://gone", B="http://idle"))), {}))

    messages = [one.end.state.verdict.message for one in signs if one.end is not None and one.end.state is not None]
    assert messages == [
        "There is no Service `gone` in `shop`, and something calls it.",
        "Nothing that runs is selected by the Service `idle` in `shop`.",
    ]


def test_an_ingress_host_should_need_what_its_rules_lead_to() -> None:
    more = [Backend("shop", "app", "app.or.internal", "/old", "gone"), Backend("shop", "any", "", "/", "cache", "6379")]

    found_hosts = {node.label: needs for node, needs in entrances(Cluster("c1", SERVICES, WORKLOADS, BACKENDS + more))}

    assert sorted(found_hosts) == ["*", "app.or.internal", "web.or.internal"]
    edges = {edge.target: [one.evidence for one in edge.sources] for edge in found_hosts["app.or.internal"].edges}
    assert edges == {
        "features": ["Ingress app: app.or.internal/ to features:8080"],
        "service:c1/shop/gone": ["Ingress app: app.or.internal/old to gone"],
    }
    assert [end.node.id for end in found_hosts["app.or.internal"].ends] == ["service:c1/shop/gone"]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("routes", "ConfigMap settings, routes: http://features:8080"),
        ("routes.yaml", "ConfigMap settings, routes.yaml: routes=http://features:8080"),
    ],
)
def test_evidence_should_not_say_a_file_s_name_twice(file: str, expected: str) -> None:
    made = template(volumes=[{"name": "v", "configMap": {"name": "settings"}}])
    files = {"settings": {file: 'routes:\n  - {prefix: /a, upstream: "http://features:8080"}'}}

    assert [one.source.evidence for one in called(cluster(), consumer(made), files)] == [expected]


# ── what is declared ──

ME = LevelPath("or/local/shop/web")


def end_of(path: LevelPath) -> tuple[str, End | None]:
    if path.endswith("missing"):
        node = Node(undeclared_id(path), NodeKind.APPLICATION, path, "or/local/shop", path)
        return node.id, End(node)
    return f"application:{path.rpartition('/')[2]}", None


def test_declarations_and_references_should_become_findings() -> None:
    document: dict[str, Any] = {
        "dependsOn.ddk/features": {"need": "OPTIONAL"},
        "dependsOn.missing": {"need": "REQUIRED"},
        "env.CACHE_URL": {"service": {"ref": "cache"}},
        "env.TEXT": "features",
    }

    signs = list(declared(ME, document, end_of))

    assert signs[0] == Finding(
        "application:features", Source(SourceKind.DECLARED, "dependsOn.ddk/features"), Need.OPTIONAL
    )
    assert [(one.target, one.end is not None) for one in signs[1:]] == [
        ("application:or/local/shop/missing", True),
        ("application:cache", False),
    ]
    assert signs[2].source == Source(SourceKind.REFERENCE, "CACHE_URL")


def test_what_a_workflow_requires_should_become_findings() -> None:
    signs = list(required_by_workflow([LevelPath("or/local/mdk/churn")], end_of))

    assert [(one.target, one.source.kind, one.need) for one in signs] == [
        ("application:churn", SourceKind.WORKFLOW, Need.REQUIRED)
    ]


def sign(target: str, kind: SourceKind, evidence: str, need: Need | None = None) -> Finding:
    return Finding(target, Source(kind, evidence), need)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [([], Need.REQUIRED), ([Need.REQUIRED], Need.REQUIRED), ([Need.OPTIONAL], Need.OPTIONAL), ([Need.IGNORED], None)],
)
def test_the_declared_need_should_hold_for_what_is_found(needs: list[Need], expected: Need | None) -> None:
    signs = [
        sign("b", SourceKind.ENVIRONMENT, "URL=http://b"),
        *(sign("b", SourceKind.DECLARED, "dependsOn.b", need) for need in needs),
    ]

    assert [edge.need for edge in merged("a", signs).edges] == ([] if expected is None else [expected])


def test_several_sources_should_make_one_edge_and_a_reference_should_be_told_once() -> None:
    signs = [
        sign("b", SourceKind.REFERENCE, "B_URL"),
        sign("b", SourceKind.ENVIRONMENT, "B_URL=http://b"),
        sign("b", SourceKind.ENVIRONMENT, "OTHER=http://b/x"),
        sign("b", SourceKind.ENVIRONMENT, "OTHER=http://b/x"),
        sign("a", SourceKind.ENVIRONMENT, "SELF=http://a"),
    ]

    (edge,) = merged("a", signs).edges

    assert (edge.target, [one.evidence for one in edge.sources]) == ("b", ["OTHER=http://b/x", "B_URL"])


def test_selectors_should_match_all_labels_of_the_pods() -> None:
    known = Cluster("c1", [], WORKLOADS)

    assert known.behind(Service("shop", "x", {"app": "store", "tier": "data"})) == ("store",)
    assert known.behind(Service("shop", "x", {"app": "store", "tier": "split"})) == ()
    assert known.behind(Service("data", "x", {"app": "store"})) == ()
