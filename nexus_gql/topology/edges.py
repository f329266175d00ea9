"""From what is declared and what runs to edges."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from nexus_gql.hierarchy import Document, Need, entries
from nexus_gql.live import Blueprint, Template
from nexus_gql.paths import MalformedPath, Path, resolve_reference

from .addresses import Address, addresses
from .graph import Edge, End, Node, NodeKind, Source, SourceKind, ingress_id
from .resolution import Cluster, Target, Workload
from .settings_text import Setting, of_command, of_file

Files = Mapping[str, Mapping[str, str]]
"""ConfigMaps of one namespace by name: their texts by key. What nobody refers to need not be there."""


class Finding(Struct, frozen=True, gc=False):
    """One sign that something needs a node. `need`: only where it is declared."""

    target: str
    source: Source
    need: Need | None = None
    end: End | None = None


class Needs(Struct, frozen=True, gc=False):
    """All edges from a node, and the ends that are there only for them."""

    edges: tuple[Edge, ...]
    ends: tuple[End, ...]


def merged(origin: str, findings: Iterable[Finding]) -> Needs:
    """One edge to each node that was found, whatever the number of signs. What is declared settles the need; else REQUIRED."""
    by_target: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.target != origin:
            by_target.setdefault(finding.target, []).append(finding)
    edges, ends = [], []
    for target, found in sorted(by_target.items()):
        need = next((one.need for one in found if one.need is not None), Need.REQUIRED)
        if need is Need.IGNORED:
            continue
        edges.append(Edge(origin, target, need, _sources(found)))
        ends += [one.end for one in found if one.end is not None][:1]
    return Needs(tuple(edges), tuple(ends))


def _sources(found: list[Finding]) -> tuple[Source, ...]:
    """The sources without repetition: the text of a variable that is a reference is found in what runs as well."""
    referred = {one.source.evidence for one in found if one.source.kind is SourceKind.REFERENCE}
    return tuple(
        sorted(
            {
                one.source
                for one in found
                if one.source.kind is not SourceKind.ENVIRONMENT
                or one.source.evidence.partition("=")[0] not in referred
            }
        )
    )


def declared(
    application: Path, document: Document, end_of: Callable[[Path], tuple[str, End | None]]
) -> Iterator[Finding]:
    """What an application's effective settings say that it needs. `end_of`: the node of a path, and its end where nobody declared it."""
    signs: list[tuple[str, Source, Need | None]] = [
        (ref, Source(SourceKind.DECLARED, f"dependsOn.{ref}"), Need(setting["need"]))
        for ref, setting in entries(document, "dependsOn").items()
    ]
    signs += [
        (value["service"]["ref"], Source(SourceKind.REFERENCE, name), None)
        for name, value in entries(document, "env").items()
        if isinstance(value, dict) and "service" in value
    ]
    for ref, source, need in signs:
        if (path := _meant(ref, application)) is not None:
            target, end = end_of(path)
            yield Finding(target, source, need, end)


def _meant(ref: str, application: Path) -> Path | None:
    try:
        return resolve_reference(ref, application)
    except MalformedPath:
        return None


def required_by_workflow(
    requires: Iterable[Path], end_of: Callable[[Path], tuple[str, End | None]]
) -> Iterator[Finding]:
    """What a workflow says that it needs."""
    for path in requires:
        target, end = end_of(path)
        yield Finding(target, Source(SourceKind.WORKFLOW, f"requires {path}"), Need.REQUIRED, end)


def entrances(cluster: Cluster) -> Iterator[tuple[Node, Needs]]:
    """The ingress hosts of a cluster, and what is behind them."""
    for host, backends in sorted(cluster.entrances().items()):
        node = Node(ingress_id(cluster.key, host or "*"), NodeKind.INGRESS, host or "*", "ingress")
        found = []
        for backend in backends:
            port = f":{backend.port}" if backend.port else ""
            rule = f"Ingress {backend.ingress}: {host or '*'}{backend.path} to {backend.service}{port}"
            found += _findings(cluster.backend(backend), Source(SourceKind.INGRESS, rule))
        yield node, merged(node.id, found)


class Mention(Struct, frozen=True, gc=False):
    """An address in a workload's texts. `evidence`: where it stands."""

    address: Address
    evidence: str


def mentions(template: Template, files: Files) -> Iterator[Mention]:
    """The addresses in a workload's texts, whatever they lead to."""
    for prefix, setting in settings(template, files):
        for address in addresses(setting.name, setting.value, setting.beside):
            named = setting.name and not prefix.endswith(f", {setting.name}: ")  # a list in a file of the same name
            evidence = f"{prefix}{setting.name}={address.text}" if named else f"{prefix}{address.text}"
            yield Mention(address, evidence)


def found(cluster: Cluster, workload: Workload, mentioned: Iterable[Mention]) -> Iterator[Finding]:
    """What the texts of a workload say that it calls."""
    for mention in mentioned:
        if cluster.leads_back(mention.address.host, workload.node):
            continue
        target = cluster.resolve(mention.address, workload.namespace, dns=workload.cluster_dns)
        note = f" ({target.note})" if target.note else ""
        if workload.node not in target.nodes:
            yield from _findings(target, Source(SourceKind.ENVIRONMENT, mention.evidence + note))


def _findings(target: Target, source: Source) -> list[Finding]:
    return [Finding(node, source, None, target.end) for node in target.nodes]


# ── the texts of a workload ──


def settings(template: Template, files: Files) -> Iterator[tuple[str, Setting]]:
    """The settings in a pod template and in the ConfigMaps that it refers to, each with where it stands."""
    for container in (*template.spec.init_containers, *template.spec.containers):
        variables = _variables(container, files)
        for name, value in variables.items():
            if "\n" in value:
                yield from ((f"{name}, ", setting) for setting in of_file(value))
            else:
                yield "", Setting(name, value, variables)
        words = [_expanded(word, variables) for word in (*container.command, *container.args)]
        yield from (("command: ", setting) for setting in of_command(words))
    for name in sorted(_mounted(template)):
        for file, text in sorted(files.get(name, {}).items()):
            yield from ((f"ConfigMap {name}, {file}: ", setting) for setting in of_file(text))


def _variables(container: Blueprint, files: Files) -> dict[str, str]:
    """A container's variables as its processes see them. What comes from a Secret is not read, and not there."""
    found: dict[str, str] = {}
    for source in container.env_from:
        if source.config_map_ref is not None:
            texts = files.get(source.config_map_ref.name, {})
            found.update((f"{source.prefix}{key}", text) for key, text in texts.items())
    for variable in container.env:
        if variable.value_from is None:
            found[variable.name] = _expanded(variable.value, found)
        elif (reference := variable.value_from.config_map_key_ref) is not None:
            found[variable.name] = files.get(reference.name, {}).get(reference.key, "")
        else:
            found.pop(variable.name, None)
    return found


_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][\w.\-]*)\)")


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` replaced as the kubelet does it: what is not known stays, and `$$` is a dollar."""
    if "$" not in text:
        return text
    return _REFERENCE.sub(lambda match: "$" if match[1] is None else variables.get(match[1], match[0]), text)


def _mounted(template: Template) -> set[str]:
    """The ConfigMaps whose texts are files in the pods."""
    names = set()
    for volume in template.spec.volumes:
        if volume.config_map is not None:
            names.add(volume.config_map.name)
        for part in () if volume.projected is None else volume.projected.sources:
            if part.config_map is not None:
                names.add(part.config_map.name)
    return names
