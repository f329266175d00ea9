"""What the workloads of a cluster call: resolved again only where a text, or a name in it, changed, since that is what takes time."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from .edges import Files, Finding, Mention, found
from .resolution import Cluster, Workload, words_of
from .texts import Texts


@dataclass(frozen=True, slots=True)
class _Resolved:
    mentions: tuple[Mention, ...]
    cluster_dns: bool
    findings: tuple[Finding, ...]


class Calls:
    """Those of one cluster, as of the last reading."""

    def __init__(self) -> None:
        self._texts = Texts()
        self._names: Cluster | None = None
        self._known: dict[tuple[str, str, str], _Resolved] = {}

    def found(
        self, names: Cluster, workloads: Iterable[Workload], files_in: Callable[[str], Files]
    ) -> Generator[tuple[Workload, tuple[Finding, ...]], None, None]:
        """Each workload with what its texts say that it calls. `files_in`: the ConfigMaps of a namespace."""
        moved = names.moved_since(self._names) if self._names is not None else set[str]()
        before, self._known, self._names = self._known, {}, names
        for one, mentioned in self._texts.mentioned(workloads, files_in):
            key = one.node, one.namespace, one.name
            known = before.get(key)
            if known is None or not _stands(known, one, mentioned, moved):
                known = _Resolved(mentioned, one.cluster_dns, tuple(found(names, one, mentioned)))
            self._known[key] = known
            yield one, known.findings


def _stands(known: _Resolved, workload: Workload, mentioned: tuple[Mention, ...], moved: set[str]) -> bool:
    if known.mentions != mentioned or known.cluster_dns is not workload.cluster_dns:
        return False
    return not moved or all(moved.isdisjoint(words_of(one.address.host)) for one in mentioned)
