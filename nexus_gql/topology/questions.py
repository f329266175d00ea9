"""What is asked of a picture: what a failure takes with it, how one comes to need another, cycles, an order to deploy in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush
from typing import TypeVar

from msgspec import Struct

from nexus_gql.hierarchy import Concern, Need
from nexus_gql.paths import Path

from .components import components
from .graph import Edge, NodeKind, ShownEdge, undeclared_id
from .picture import Picture, stands
from .state import Impairment, Standing, weight

S = TypeVar("S")


class Impacted(Struct, frozen=True, gc=False):
    """A node that would suffer. `via`: the nodes on the way from what fails to it, both aside; the shortest way."""

    node: str
    distance: int
    via: tuple[str, ...]


class Impact(Struct, frozen=True, gc=False):
    """What would stop working, and what would be at risk; nearest first."""

    impaired: tuple[Impacted, ...]
    at_risk: tuple[Impacted, ...]


def impact_of(picture: Picture, nodes: Iterable[str]) -> Impact:
    """What these would take with them if they were down and everything else well: so it is the same however things are now."""
    down = {node for node in nodes if node in picture.nodes}
    level = dict.fromkeys(down, Impairment.IMPAIRED)
    toward: dict[str, tuple[str, ...]] = dict.fromkeys(down, ())
    impaired = _spread(picture, [(0, node) for node in sorted(down)], level, toward, Impairment.IMPAIRED)
    # OPTIONAL edges start a second wave, at the distances that the first one reached; it goes on along REQUIRED ones.
    reached = [(len(toward[node]), node) for node in level]
    at_risk = _spread(picture, reached, level, toward, Impairment.AT_RISK)
    return Impact(tuple(impaired), tuple(at_risk))


def _spread(
    picture: Picture,
    start: Iterable[tuple[int, str]],
    level: dict[str, Impairment],
    toward: dict[str, tuple[str, ...]],
    wave: Impairment,
) -> list[Impacted]:
    """Go back along edges, nearest first. A node that is reached has its way in `toward`: itself excepted, what fails first."""
    found: list[Impacted] = []
    waiting = sorted(start)
    while waiting:
        distance, node = heappop(waiting)
        if not picture.passable(node):
            continue
        for shown in picture.needed_by[node]:
            origin = shown.edge.origin
            if origin in level or _weight(shown.edge.need, level[node]) is not wave:
                continue
            level[origin], toward[origin] = wave, (*toward[node], node)
            found.append(Impacted(origin, distance + 1, toward[origin][1:]))
            heappush(waiting, (distance + 1, origin))
    return found


def _weight(need: Need, level: Impairment) -> Impairment:
    """What comes through an edge to a node that is down or impaired so; nothing through an optional one to what is only at risk."""
    if need is Need.REQUIRED:
        return level
    return Impairment.AT_RISK if level is Impairment.IMPAIRED else Impairment.NONE


def chain(picture: Picture, origin: str, target: str) -> tuple[Edge, ...]:
    """How a node comes to need another: the fewest edges; empty where it does not. To what impairs it, the way that explains it."""
    if origin not in picture.nodes:
        return ()
    if target in picture.nodes[origin].causes:
        return explained(picture, origin, target)
    return _shortest(origin, target, lambda node: ((one.edge, one.edge.target) for one in _onward(picture, node)))


def explained(picture: Picture, node: str, cause: str) -> tuple[Edge, ...]:
    """The way through which a cause impairs a node: the fewest edges that bring what it suffers.

    For what is IMPAIRED they are REQUIRED, as far as something that is down, and then lead to why it is. It may suffer more from
    other causes than from this one, or only by way of a circle that passes a node twice: then they are the fewest that bring
    AT_RISK, or through which anything comes.
    """
    for level in _down_from(picture.nodes[node].impairment):
        way = _shortest((node, level), (cause, Impairment.NONE), partial(_carrying, picture))
        if way and _is_straight(way):
            return way
    return ()


def _is_straight(way: Sequence[Edge]) -> bool:
    """Whether it passes no node twice; it may end where it began."""
    passed = [edge.origin for edge in way]
    return len({*passed, way[-1].target}) == len(passed) + (way[-1].target != passed[0])


def _down_from(level: Impairment) -> list[Impairment]:
    return sorted((one for one in Impairment if one <= level), reverse=True)


def _carrying(picture: Picture, state: tuple[str, Impairment]) -> Iterator[tuple[Edge, tuple[str, Impairment]]]:
    """The edges that weigh, each with what it leads to and how much still has to come from behind that.

    Nothing has to where it is bad enough itself: from there on the way leads to why it is.
    """
    node, level = state
    for shown in _onward(picture, node):
        need, target = shown.edge.need, shown.edge.target
        if shown.healthy:
            continue
        # How bad it is behind what is hidden cannot be told; that something comes through the edge is known.
        own = stands(picture.nodes[target]) if picture.passable(target) else Standing.DOWN
        if weight(need, own, Impairment.NONE) >= level:
            yield shown.edge, (target, Impairment.NONE)
        elif need is Need.REQUIRED:
            yield shown.edge, (target, level)
        elif level is Impairment.AT_RISK:
            yield shown.edge, (target, Impairment.IMPAIRED)


def _onward(picture: Picture, node: str) -> tuple[ShownEdge, ...]:
    return picture.needs[node] if picture.passable(node) else ()


def _shortest(start: S, goal: S, steps: Callable[[S], Iterable[tuple[Edge, S]]]) -> tuple[Edge, ...]:
    """The fewest steps to a goal. A goal that is the start is reached by going round."""
    came: dict[S, tuple[Edge, S]] = {}
    layer = [start]
    while layer:
        following = []
        for state in layer:
            for edge, then in steps(state):
                if then == goal:
                    return (*_way(came, start, state), edge)
                if then not in came and then != start:
                    came[then] = edge, state
                    following.append(then)
        layer = following
    return ()


def _way(came: Mapping[S, tuple[Edge, S]], start: S, state: S) -> tuple[Edge, ...]:
    way: list[Edge] = []
    while state != start:
        edge, state = came[state]
        way.append(edge)
    return tuple(reversed(way))


def cycles(picture: Picture) -> list[list[str]]:
    """The nodes that need each other in a circle, each circle's (or tangle of circles') together."""
    return sorted(sorted(part) for part in _parts(picture) if len(part) > 1)


def deploy_order(picture: Picture) -> list[list[Path]]:
    """Applications in generations: each needs only what is in earlier ones, or, in a cycle, in its own."""
    generation: dict[str, int] = {}
    found: dict[int, list[Path]] = {}
    for part in _parts(picture):
        paths = [path for node in part if (path := _deployable(picture, node)) is not None]
        beyond = {shown.edge.target for node in part for shown in picture.needs[node]}.difference(part)
        own = max((generation[target] for target in beyond if target in generation), default=0)
        found.setdefault(own, []).extend(paths)
        # What comes after an application comes a generation later; through a host or an address nothing is waited for.
        generation.update(dict.fromkeys(part, own + 1 if paths else own))
    return [sorted(paths) for _, paths in sorted(found.items()) if paths]


def _deployable(picture: Picture, node: str) -> Path | None:
    """The path of an application; one that nobody has declared cannot be deployed."""
    shown = picture.nodes[node].node
    declared = shown.kind is NodeKind.APPLICATION and shown.path is not None and node != undeclared_id(shown.path)
    return shown.path if declared else None


def _parts(picture: Picture) -> list[list[str]]:
    """The strongly connected components; each after all that it needs."""
    ids = sorted(node for node in picture.nodes if picture.passable(node))
    number = {node: place for place, node in enumerate(ids)}
    successors = [
        [number[shown.edge.target] for shown in picture.needs[node] if shown.edge.target in number] for node in ids
    ]
    return [[ids[place] for place in part] for part in components(range(len(ids)), successors)]


def by_namespace(picture: Picture) -> dict[str, list[str]]:
    """The nodes of each group."""
    found: dict[str, list[str]] = {}
    for node, shown in sorted(picture.nodes.items()):
        found.setdefault(shown.node.group, []).append(node)
    return dict(sorted(found.items()))


def by_concern(picture: Picture) -> dict[Concern, list[str]]:
    """The nodes of each concern; what lies in no namespace of ours is OTHER."""
    found: dict[Concern, list[str]] = {}
    for node, shown in sorted(picture.nodes.items()):
        found.setdefault(shown.node.concern or Concern.OTHER, []).append(node)
    return {concern: found[concern] for concern in Concern if concern in found}
