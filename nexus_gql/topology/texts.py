"""What the texts of a cluster's workloads mention: read again only where a text changed, since that is what takes time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from nexus_gql.live import Template, config_maps_of

from .edges import Files, Mention, mentions
from .resolution import Workload


@dataclass(frozen=True, slots=True)
class _Read:
    template: Template
    files: Files
    mentions: tuple[Mention, ...]


class Texts:
    """Those of one cluster, as of the last reading."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], _Read] = {}

    def mentioned(
        self, workloads: Iterable[Workload], files_in: Callable[[str], Files]
    ) -> Iterator[tuple[Workload, tuple[Mention, ...]]]:
        """Each workload with the addresses in its texts. `files_in`: the ConfigMaps of a namespace."""
        before, self._known = self._known, {}
        files: dict[str, Files] = {}
        for one in workloads:
            if one.namespace not in files:
                files[one.namespace] = files_in(one.namespace)
            known = _read(before.get((one.node, one.namespace, one.name)), one.template, files[one.namespace])
            self._known[one.node, one.namespace, one.name] = known
            yield one, known.mentions


def _read(before: _Read | None, template: Template, files: Files) -> _Read:
    used = {name: files[name] for name in config_maps_of(template) if name in files}
    if before is not None and before.template == template and before.files == used:
        return before
    return _Read(template, used, tuple(mentions(template, used)))
