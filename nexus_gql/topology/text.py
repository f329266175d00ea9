"""The graph for a terminal: a tree from what nobody needs down to what all need, with how each is doing."""

from collections.abc import Iterator

from nexus_gql.hierarchy import Need

from .graph import NodeKind, ShownNode
from .picture import Picture, stands
from .state import Impairment, Standing

_MARKS = {Standing.FINE: "+", Standing.WEAK: "!", Standing.DOWN: "x"}


def tree(picture: Picture) -> str:
    """Each node once with what it needs under it; where it comes again, a mark says that it stands above."""
    lines: list[str] = []
    drawn: set[str] = set()
    for root in _roots(picture):
        lines += _branch(picture, root, drawn)
    if picture.root_causes:
        lines += ["", "Root causes: " + ", ".join(sorted(name(picture.nodes[node]) for node in picture.root_causes))]
    return "\n".join(lines)


def name(shown: ShownNode) -> str:
    """What a node is called: an application by its path, a workflow with the path of its environment."""
    node = shown.node
    if node.kind is NodeKind.WORKFLOW:
        return f"{node.label} ({node.path})"
    return node.path or node.label or "(hidden)"


def described(shown: ShownNode) -> str:
    """A node in a line: mark, name, health, and what it suffers."""
    words = [_MARKS[stands(shown)], name(shown)]
    if shown.state is not None:
        words.append(shown.state.verdict.status.value)
    else:
        words.append(shown.node.kind.value.lower())
    if shown.impairment is not Impairment.NONE:
        words.append(shown.impairment.name)
    return " ".join(words)


def _roots(picture: Picture) -> Iterator[str]:
    """What nobody needs; then, of circles that nobody needs, the first by name that is not drawn yet."""
    ordered = sorted(picture.nodes, key=lambda node: (name(picture.nodes[node]), node))
    reached: set[str] = set()
    for wanted in (True, False):
        for node in ordered:
            if node not in reached and (not wanted or not picture.needed_by[node]):
                yield node
                _reach(picture, node, reached)


def _reach(picture: Picture, node: str, reached: set[str]) -> None:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += [shown.edge.target for shown in picture.needs[one]]


def _branch(picture: Picture, root: str, drawn: set[str]) -> Iterator[str]:
    """A root and all under it. Without recursion: a chain may be longer than Python's stack."""
    waiting = [(root, "", "", "")]
    while waiting:
        node, lead, indent, note = waiting.pop()
        again = node in drawn
        yield f"{lead}{described(picture.nodes[node])}{note}{' (see above)' if again else ''}"
        if again:
            continue
        drawn.add(node)
        needs = sorted(picture.needs[node], key=lambda one: name(picture.nodes[one.edge.target]))
        for place, shown in reversed(list(enumerate(needs))):
            last = place == len(needs) - 1
            note = " (optional)" if shown.edge.need is Need.OPTIONAL else ""
            waiting.append(
                (shown.edge.target, indent + ("`- " if last else "|- "), indent + ("   " if last else "|  "), note)
            )
