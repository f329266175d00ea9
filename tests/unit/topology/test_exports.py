"""The graph in a terminal and in other programs' words."""

import json

from msgspec import structs

from nexus_gql.topology import NodeKind, Picture, as_json, dot, mermaid, shown, tree

from .making import picture


def test_a_tree_should_show_health_and_each_node_once() -> None:
    shown = picture("a>b a~x b>c d>b", down="c", kinds={"x": NodeKind.EXTERNAL})

    assert tree(shown).splitlines() == [
        "+ a HEALTHY IMPAIRED",
        "|- + b HEALTHY IMPAIRED",
        "|  `- x c DEGRADED",
        "`- + x external (optional)",
        "+ d HEALTHY IMPAIRED",
        "`- + b HEALTHY IMPAIRED (see above)",
        "",
        "Root causes: c",
    ]


def test_a_leaf_that_comes_again_should_be_marked_like_everything_that_does() -> None:
    assert tree(picture("a>c b>c", down="c")).splitlines()[:4] == [
        "+ a HEALTHY IMPAIRED",
        "`- x c DEGRADED",
        "+ b HEALTHY IMPAIRED",
        "`- x c DEGRADED (see above)",
    ]


def test_a_tree_should_end_in_a_circle_and_begin_in_one_that_nobody_needs() -> None:
    assert tree(picture("a>b b>a b~c", weak="c")).splitlines() == [
        "+ a HEALTHY AT_RISK",
        "`- + b HEALTHY AT_RISK",
        "   |- + a HEALTHY AT_RISK (see above)",
        "   `- ! c DEGRADED (optional)",
        "",
        "Root causes: c",
    ]


def test_a_tree_of_a_scope_should_say_what_is_to_blame_outside_it() -> None:
    """`nexus topology or/local/web` printed what was impaired there, and not by what."""
    drawn = tree(shown(picture("web>portal portal>demand demand>weather", down="weather"), {"web"}))

    assert drawn.splitlines() == [
        "x weather DEGRADED",
        "+ web HEALTHY IMPAIRED",
        "`- + portal HEALTHY IMPAIRED",
        "",
        "Root causes: weather",
    ]


def test_a_tree_should_be_as_deep_as_any_chain() -> None:
    deep = " ".join(f"n{number:04}>n{number + 1:04}" for number in range(3000))

    assert len(tree(picture(deep)).splitlines()) == 3001


def renamed(shown: Picture, label: str) -> Picture:
    nodes = {key: structs.replace(one, node=structs.replace(one.node, label=label)) for key, one in shown.nodes.items()}
    return Picture(nodes, shown.edges, shown.root_causes)


def test_dot_should_have_each_node_in_its_group_and_dash_what_is_optional() -> None:
    text = dot(picture("a>b a~c", down="b"))

    assert 'subgraph cluster_0 {\n    label="group";' in text
    assert '"b" [label="b", shape=box, color="#c62828"];' in text
    assert '"a" -> "b";' in text
    assert '"a" -> "c" [style=dashed];' in text


def test_mermaid_should_number_the_nodes_and_dash_what_is_optional() -> None:
    lines = mermaid(picture("a>b a~c", down="b")).splitlines()

    assert lines[0] == "graph LR"
    assert '    n0["a"]:::unwell' in lines
    assert '    n1["b"]:::down' in lines
    assert "  n0 --> n1" in lines
    assert "  n0 -.-> n2" in lines


def test_names_should_not_break_out_of_their_quotes() -> None:
    odd = renamed(picture("a>b"), 'x"];\n evil')

    assert dot(odd).count("evil") == 2
    assert all('\\"];  evil"' in line for line in dot(odd).splitlines() if "evil" in line)
    assert all('["x#quot;];  evil"]' in line for line in mermaid(odd).splitlines() if "evil" in line)


def test_json_should_hold_what_the_api_would_say() -> None:
    read = json.loads(as_json(picture("a~b", down="b")))

    assert read["rootCauses"] == ["TopologyNode:b"]
    assert read["edges"] == [
        {
            "id": "TopologyEdge:a>b",
            "from": "TopologyNode:a",
            "to": "TopologyNode:b",
            "need": "OPTIONAL",
            "healthy": False,
            "sources": [{"kind": "DECLARED", "evidence": "dependsOn"}],
        }
    ]
    a = next(node for node in read["nodes"] if node["id"] == "TopologyNode:a")
    assert (a["impairment"], a["causes"]) == ("AT_RISK", ["TopologyNode:b"])
    assert (a["serving"], a["state"]["status"]) == (True, "HEALTHY")
