"""The state of the simulated cluster, as etcd and the apiserver's registry keep it: one counter of versions, every write told to followers.

Objects are plain dicts that nobody changes: whoever wants another one copies first. That is what lets a list, a watch and a
controller share one object, and lets its JSON be written once.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

import msgspec

from nexus_gql.sandbox import admission, defaults, deletion, managed_fields, preparation, refusals
from nexus_gql.sandbox.addresses import Addresses
from nexus_gql.sandbox.clock import Clock, stamp
from nexus_gql.sandbox.decoding import copied, decoded
from nexus_gql.sandbox.kinds import KINDS, Kind
from nexus_gql.sandbox.refusals import Object, Refusal

__all__ = ["Object", "Refusal", "Row", "Store", "Stored", "copied"]

CONTROLLER = "kube-controller-manager"
HISTORY = 20_000
"""Writes that a watch can begin from: 40 s at 500 a second. Older ones are compacted away, and a watch is told 410."""

Check = Callable[[Object | None, Object], None]
_encode = msgspec.json.Encoder().encode


class Row:
    """An object and its JSON, which is written when somebody first wants it, once for all; `lines` are a watch's."""

    __slots__ = ("_json", "lines", "object")

    def __init__(self, obj: Object, json: bytes | None = None) -> None:
        self.object = obj
        self._json = json
        self.lines: dict[str, bytes] = {}

    @property
    def json(self) -> bytes:
        """The object as it goes over the wire."""
        if self._json is None:
            self._json = _encode(self.object)
        return self._json


@dataclass(frozen=True, slots=True)
class Stored:
    """One write. `type` is ADDED, MODIFIED or DELETED; `object` is never changed by anyone."""

    type: str
    kind: Kind
    object: Object
    version: int
    row: Row = field(repr=False, compare=False)
    previous: Row | None = field(default=None, repr=False, compare=False)


class Store:
    """All objects, and the only way to change one."""

    def __init__(self, clock: Clock | None = None, random: Random | None = None, *, history: int = HISTORY) -> None:
        self.clock = clock or Clock()
        self.random = random or Random(0)  # noqa: S311 - names, not secrets
        self.version = 0
        self.oldest = 0
        self.addresses = Addresses()
        self._history: deque[Stored] = deque(maxlen=history)
        self._rows: dict[str, dict[str, dict[str, Row]]] = {kind: {} for kind in KINDS}
        self._by_uid: dict[str, Object] = {}
        self._followers: list[Callable[[Stored], None]] = []

    # ── reading ──

    def get(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """The object of that name."""
        row = self.row(kind, namespace, name)
        return None if row is None else row.object

    def row(self, kind: str, namespace: str | None, name: str) -> Row | None:
        """The object of that name with its JSON."""
        return self._rows[kind].get(namespace or "", {}).get(name)

    def by_uid(self, uid: str) -> Object | None:
        """The object with that uid."""
        return self._by_uid.get(uid)

    def all(self, kind: str, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind, of one namespace where it is given; what is written meanwhile does not disturb."""
        return [row.object for row in self.rows(kind, namespace)]

    def rows(self, kind: str, namespace: str | None = None) -> list[Row]:
        """As `all`, with the JSON."""
        spaces = self._rows[kind]
        if namespace is not None:
            return list(spaces.get(namespace, {}).values())
        return [row for rows in spaces.values() for row in rows.values()]

    def rows_at(self, kind: str, namespace: str | None, version: int) -> list[Row]:
        """The objects as they were: what happened since is taken back, last first."""
        if version < self.oldest:
            raise refusals.too_old(version, self.oldest)
        found = {_key(row.object): row for row in self.rows(kind, namespace)}
        for write in reversed(self._history):
            if write.version <= version:
                break
            key = _key(write.object)
            if write.kind.name != kind or namespace not in (None, key[0]):
                continue
            if write.previous is None:
                found.pop(key, None)
            else:
                found[key] = write.previous
        return list(found.values())

    def since(self, kind: str, version: int) -> list[Stored]:
        """The writes of a kind after that version, oldest first; 410 where some of them are no longer kept."""
        if version < self.oldest:
            raise refusals.too_old(version, self.oldest)
        found: list[Stored] = []
        for write in reversed(self._history):
            if write.version <= version:
                break
            if write.kind.name == kind:
                found.append(write)
        found.reverse()
        return found

    def compact(self, version: int | None = None) -> None:
        """Forget the writes up to a version (all, without one): a watch from before it is told 410."""
        self.oldest = max(self.oldest, self.version if version is None else min(version, self.version))

    # ── writing ──

    def create(
        self,
        kind: str,
        namespace: str | None,
        obj: Object,
        *,
        manager: str = CONTROLLER,
        check: Check | None = None,
        managed: managed_fields.Managers | None = None,
        dry: bool = False,
    ) -> Object:
        """A new object with all that the apiserver fills in. `check` sees it before it is written; `dry` writes nothing."""
        row = KINDS[kind]
        self._admit(row, namespace, obj)
        new = preparation.created(
            row,
            namespace,
            decoded(row, obj),
            self.clock.now(),
            self.random,
            taken=lambda name: self.row(kind, namespace, name) is not None,
        )
        defaults.fill(row, new)
        # Who manages what is settled before admission: what the cluster adds by itself nobody manages.
        writer = managed_fields.Writer(manager, row.api_version, None, stamp(self.clock.now()))
        entries = managed_fields.created(row, new, writer) if managed is None else managed
        admission.admit(row, new, self, self.random)
        if check is not None:
            check(None, new)
        name = new["metadata"]["name"]
        if self.row(kind, namespace, name) is not None:
            raise refusals.already_exists(row, name)
        self.addresses.assign(row, new, None, dry=dry)
        new = preparation.with_managed_fields(new, entries)
        return new if dry else self._write("ADDED", row, new, None)

    def update(
        self,
        kind: str,
        obj: Object,
        *,
        manager: str = CONTROLLER,
        subresource: str | None = None,
        check: Check | None = None,
        managed: managed_fields.Managers | None = None,
        dry: bool = False,
    ) -> Object:
        """The whole object anew; nothing is written where nothing changed. A resourceVersion and a uid in it must be the present ones."""
        row = KINDS[kind]
        before = self._present(row, obj)
        old = before.object
        new = preparation.updated(row, old, obj, subresource)
        entries = self._managers(row, old, obj, new, manager, subresource) if managed is None else managed
        self.addresses.assign(row, new, old, dry=True)
        if check is not None:
            check(old, new)
        if new == old and managed_fields.same(entries, old["metadata"].get("managedFields", [])):
            return old
        new = preparation.with_managed_fields(new, entries)
        if dry:
            return new
        self.addresses.assign(row, new, old, dry=False)
        if deletion.is_over(row, new):
            return self._forget(row, new, before)
        return self._write("MODIFIED", row, new, before)

    def delete(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        *,
        grace: int | None = None,
        propagation: str = "Background",
        uid: str | None = None,
        version: str | None = None,
        dry: bool = False,
    ) -> Object | None:
        """Begin to delete: the object as it waits for its end, or None where it is gone at once."""
        row = KINDS[kind]
        before = self.row(kind, namespace, name)
        if before is None:
            raise refusals.not_found(row, name)
        old = before.object
        if uid is not None and uid != old["metadata"]["uid"]:
            raise refusals.other_uid(row, name, uid, old["metadata"]["uid"])
        if version is not None and version != old["metadata"]["resourceVersion"]:
            raise refusals.other_version(row, name, version, old["metadata"]["resourceVersion"])
        new = deletion.marked(row, old, self.clock.now(), grace=grace, propagation=propagation)
        if dry:
            return None if deletion.is_over(row, new) else new
        if deletion.is_over(row, new):
            self._forget(row, old, before)
            return None
        return old if new is old else self._write("MODIFIED", row, new, before)

    def remove(self, kind: str, namespace: str | None, name: str) -> None:
        """Really gone; an object that a finalizer holds stays until the finalizer is taken away. Nothing where it is not there."""
        row = KINDS[kind]
        before = self.row(kind, namespace, name)
        if before is None:
            return
        new = deletion.marked(row, before.object, self.clock.now(), grace=0, propagation="Background")
        if deletion.is_over(row, new):
            self._forget(row, before.object, before)
        elif new is not before.object:
            self._write("MODIFIED", row, new, before)

    def follow(self, follower: Callable[[Stored], None]) -> Callable[[], None]:
        """Be called for every write, in order, while it happens; must not write itself. Returns what ends it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    def restore(self, objects: Iterable[tuple[str, bytes]], version: int) -> None:
        """Begin with objects that were stored before, by kind and JSON. Watches from before are told 410, but for the last version."""
        for kind, json in objects:
            obj: Object = msgspec.json.decode(json)
            metadata = obj["metadata"]
            self._rows[kind].setdefault(metadata.get("namespace", ""), {})[metadata["name"]] = Row(obj, json)
            self._by_uid[metadata["uid"]] = obj
            self.addresses.hold(KINDS[kind], obj)
            version = max(version, int(metadata["resourceVersion"]))
        self.version = self.oldest = version

    # ── inside ──

    def _admit(self, row: Kind, namespace: str | None, obj: Object) -> None:
        """New objects only in a namespace that is there and stays."""
        if not row.namespaced:
            return
        home = self.get("Namespace", None, namespace or "")
        if home is None:
            raise refusals.not_found(KINDS["Namespace"], namespace or "")
        if "deletionTimestamp" not in home["metadata"]:
            return
        name = obj.get("metadata", {}).get("name", "")
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
        raise refusals.forbidden(row, name, why, [cause])

    def _present(self, row: Kind, obj: Object) -> Row:
        metadata = obj["metadata"]
        name = metadata["name"]
        before = self.row(row.name, metadata.get("namespace"), name)
        if before is None:
            raise refusals.not_found(row, name)
        current = before.object["metadata"]
        if metadata.get("uid", current["uid"]) != current["uid"]:
            raise refusals.replaced(row, name, metadata["uid"], current["uid"])
        if (metadata.get("resourceVersion") or current["resourceVersion"]) != current["resourceVersion"]:
            raise refusals.modified(row, name)
        return before

    def _managers(
        self, row: Kind, old: Object, obj: Object, new: Object, manager: str, subresource: str | None
    ) -> managed_fields.Managers:
        """Who manages what after an update. A client may write the entries themselves, as kubectl does when it changes its ways."""
        current: managed_fields.Managers = old["metadata"].get("managedFields", [])
        base = obj["metadata"].get("managedFields", current)
        if base == current and new == old:
            return current
        writer = managed_fields.Writer(manager, row.api_version, subresource, stamp(self.clock.now()))
        return managed_fields.updated(row, old, new, managed_fields.decoded(base), writer)

    def _write(self, type_: str, row: Kind, new: Object, before: Row | None) -> Object:
        self.version += 1
        metadata = {**new["metadata"], "resourceVersion": str(self.version)}
        new = {**new, "metadata": metadata}
        after = Row(new)
        self._rows[row.name].setdefault(metadata.get("namespace", ""), {})[metadata["name"]] = after
        self._by_uid[metadata["uid"]] = new
        self._tell(Stored(type_, row, new, self.version, after, before))
        return new

    def _forget(self, row: Kind, last: Object, before: Row) -> Object:
        self.version += 1
        metadata = {**last["metadata"], "resourceVersion": str(self.version)}
        last = {**last, "metadata": metadata}
        del self._rows[row.name][metadata.get("namespace", "")][metadata["name"]]
        del self._by_uid[metadata["uid"]]
        self.addresses.free(row, last)
        self._tell(Stored("DELETED", row, last, self.version, Row(last), before))
        return last

    def _tell(self, write: Stored) -> None:
        if len(self._history) == self._history.maxlen:
            self.oldest = max(self.oldest, self._history[0].version)
        self._history.append(write)
        for follower in list(self._followers):
            follower(write)


def _key(obj: Object) -> tuple[str, str]:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
