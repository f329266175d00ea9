"""What the workloads of a cluster call: resolved again only where a text or the cluster's names changed, since that is what takes time."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from .edges import Files, Finding, Mention, found
from .resolution import Cluster, Workload
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
        # What one mention means may hang on any name: a Service that comes takes a short one from an outside host.
        before = self._known if self._names is not None and names.is_like(self._names) else {}
        self._names, self._known = names, {}
        for one, mentioned in self._texts.mentioned(workloads, files_in):
            key = one.node, one.namespace, one.name
            self._known[key] = known = _resolved(before.get(key), names, one, mentioned)
            yield one, known.findings


def _resolved(
    before: _Resolved | None, names: Cluster, workload: Workload, mentioned: tuple[Mention, ...]
) -> _Resolved:
    dns = workload.cluster_dns
    if before is not None and before.mentions == mentioned and before.cluster_dns is dns:
        return before
    return _Resolved(mentioned, dns, tuple(found(names, workload, mentioned)))
