"""The graph in other programs' words: DOT, Mermaid, JSON."""

import json
from collections.abc import Iterable

from nexus_gql.hierarchy import Need

from .graph import NodeKind, ShownNode
from .picture import Picture, stands, unwell
from .questions import by_namespace
from .state import Standing
from .text import name

_SHAPES = {
    NodeKind.APPLICATION: "box",
    NodeKind.WORKLOAD: "component",
    NodeKind.WORKFLOW: "hexagon",
    NodeKind.INGRESS: "house",
    NodeKind.EXTERNAL: "ellipse",
    NodeKind.HIDDEN: "point",
}
_NODE, _EDGE = "TopologyNode:", "TopologyEdge:"
"""How the ids of the API begin (`schema.graph_sight`)."""
_COLOURS = {"well": "#2e7d32", "unwell": "#b26a00", "down": "#c62828"}


def dot(picture: Picture) -> str:
    """For Graphviz."""
    lines = ["digraph topology {", "  rankdir=LR;", "  node [fontname=sans];"]
    for place, (group, nodes) in enumerate(by_namespace(picture).items()):
        lines += [f"  subgraph cluster_{place} {{", f"    label={_quoted(group)};"]
        for node in nodes:
            one = picture.nodes[node]
            look = f"shape={_SHAPES[one.node.kind]}, color={_quoted(_COLOURS[_look(one)])}"
            lines.append(f"    {_quoted(node)} [label={_quoted(name(one))}, {look}];")
        lines.append("  }")
    for _, shown in sorted(picture.edges.items()):
        style = " [style=dashed]" if shown.edge.need is Need.OPTIONAL else ""
        lines.append(f"  {_quoted(shown.edge.origin)} -> {_quoted(shown.edge.target)}{style};")
    return "\n".join([*lines, "}"])


def mermaid(picture: Picture) -> str:
    """For Markdown pages that draw it. Ids are numbers there: ours have characters that Mermaid reads as its own."""
    number = {node: f"n{place}" for place, node in enumerate(sorted(picture.nodes))}
    lines = ["graph LR"]
    for place, (group, nodes) in enumerate(by_namespace(picture).items()):
        lines.append(f'  subgraph g{place}["{_escaped(group)}"]')
        for node in nodes:
            one = picture.nodes[node]
            lines.append(f'    {number[node]}["{_escaped(name(one))}"]:::{_look(one)}')
        lines.append("  end")
    for _, shown in sorted(picture.edges.items()):
        arrow = "-.->" if shown.edge.need is Need.OPTIONAL else "-->"
        lines.append(f"  {number[shown.edge.origin]} {arrow} {number[shown.edge.target]}")
    lines += [f"  classDef {look} stroke:{colour}" for look, colour in _COLOURS.items()]
    return "\n".join(lines)


def as_json(picture: Picture) -> str:
    """For scripts, with the ids of the API: it takes them back."""
    nodes = [_node(one) for _, one in sorted(picture.nodes.items())]
    edges = [
        {
            "id": f"{_EDGE}{shown.edge.id}",
            "from": f"{_NODE}{shown.edge.origin}",
            "to": f"{_NODE}{shown.edge.target}",
            "need": shown.edge.need.value,
            "healthy": shown.healthy,
            "sources": [{"kind": one.kind.value, "evidence": one.evidence} for one in shown.edge.sources],
        }
        for _, shown in sorted(picture.edges.items())
    ]
    return json.dumps({"nodes": nodes, "edges": edges, "rootCauses": _ids(picture.root_causes)}, indent=2)


def _node(one: ShownNode) -> dict[str, object]:
    state = one.state
    return {
        "id": f"{_NODE}{one.node.id}",
        "label": one.node.label,
        "kind": one.node.kind.value,
        "path": one.node.path,
        "group": one.node.group,
        "state": None
        if state is None
        else {"status": state.verdict.status.value, "reason": state.verdict.reason, "message": state.verdict.message},
        "serving": None if state is None else state.serving,
        "impairment": one.impairment.name,
        "causes": _ids(one.causes),
        "outside": one.outside,
    }


def _ids(nodes: Iterable[str]) -> list[str]:
    return [f"{_NODE}{one}" for one in nodes]


def _look(one: ShownNode) -> str:
    if stands(one) is Standing.DOWN:
        return "down"
    return "unwell" if unwell(one) else "well"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


def _escaped(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("\n", " ")
