"""The claims of an application's volumes, and whether two applications would have one of the same name.

A StatefulSet's pods have a claim each, `<volume>-<set>-<number>`. Kubernetes makes it when the pod comes, and where a claim of that
name is there the pod takes it, whoever made it: so nothing that Nexus writes would show that it was a neighbour's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nexus_gql.clusters import Connection
from nexus_gql.hierarchy import Application, Catalogue, Document, WorkloadKind, entries, short_name, workload_kind
from nexus_gql.paths import Path

from .apply import KINDS, decode
from .pod_template import claim_name, volume_name
from .rendering import APPLICATION, Manifest
from .replacement import VOLUMES
from .taken_names import TakenName, belongs

_NUMBERED = re.compile(r"(.+)-(?:0|[1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim by its name; or, `numbered`, one for each pod, with a hyphen and a number after it."""

    name: str
    numbered: bool = False

    def shared_with(self, other: "Claim") -> str | None:
        """The name of a claim that is both."""
        if self.numbered == other.numbered:
            return (f"{self.name}-0" if self.numbered else self.name) if self == other else None
        many, one = (self, other) if self.numbered else (other, self)
        return one.name if stem(one.name) == many.name else None


def stem(name: str) -> str | None:
    """What stands before the number where a claim's name ends in one."""
    found = _NUMBERED.fullmatch(name)
    return None if found is None else found[1]


def declared(path: Path, settings: Document) -> dict[str, Claim]:
    """The claims of an application with some settings, by the names of its volumes."""
    if workload_kind(settings) is WorkloadKind.STATEFUL_SET:
        return {volume: _of_pods(volume_name(volume), short_name(path)) for volume in entries(settings, "volumes")}
    return {volume: Claim(claim_name(path, volume)) for volume in entries(settings, "volumes")}


def candidates(claim: Claim) -> set[str]:
    """The names that an application may have of which this could be a claim: what it begins with, or ends with before a number."""
    dashes = [at.start() for at in re.finditer("-", claim.name)]
    found = {claim.name[:at] for at in dashes}
    if claim.numbered:
        found.add(claim.name)  # with a volume that is called by a number
    before = claim.name if claim.numbered else stem(claim.name)
    return found if before is None else found | {before[at + 1 :] for at in dashes}


async def refuse_taken(
    connection: Connection,
    namespace: str,
    manifests: Iterable[Manifest],
    application: Application,
    catalogue: Catalogue,
) -> None:
    """Raise TakenName where an application's pods would take a neighbour's claims, or a neighbour's pods would take its own.

    Two lists, and only for manifests whose claims could be any pod's at all. What an application that is declared no more has left
    behind is in nobody's way here.
    """
    mine = [claim for manifest in manifests for claim in _of(manifest["kind"], manifest)]
    if not any(claim.numbered or stem(claim.name) for claim in mine):
        return
    others = {"labelSelector": f"{APPLICATION},{APPLICATION}!={application.id}"}
    for kind in ("StatefulSet", VOLUMES):
        body = await connection.get(KINDS[kind].format(namespace=namespace), others)
        for item in decode(body).get("items") or ():
            holder = catalogue.by_id(item["metadata"]["labels"][APPLICATION])
            taken = next((name for one in mine for other in _of(kind, item) if (name := one.shared_with(other))), None)
            if holder is not None and taken is not None:
                raise TakenName(belongs(VOLUMES, taken, namespace), holder.path)


def _of(kind: str, item: Mapping[str, Any]) -> Iterator[Claim]:
    """The claims that an object is, or that come to be by it."""
    name = item["metadata"]["name"]
    if kind == VOLUMES:
        yield Claim(name)
    elif kind == "StatefulSet":
        for template in item["spec"].get("volumeClaimTemplates") or ():
            yield _of_pods(template["metadata"]["name"], name)


def _of_pods(volume: str, stateful_set: str) -> Claim:
    return Claim(f"{volume}-{stateful_set}", numbered=True)
