"""What a sandbox holds, in a file from which it goes on: every write is appended as it happens, so a process that is killed loses none.

A record is its length and a message. The last record of a name counts, so records may be written twice, and a file that has
grown is written anew while the sandbox goes on. What was begun and not finished at the end of a file is left out.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from nexus_gql.sandbox.clock import Clock
from nexus_gql.sandbox.kinds import KINDS
from nexus_gql.sandbox.kubelet import Kubelet, Life
from nexus_gql.sandbox.objects import Key, uid_of
from nexus_gql.sandbox.store import Row, Store, Stored

_log = logging.getLogger(__name__)
_LENGTH = 4
_LOOK = 5.0
"""How often is looked whether the file has grown too much."""
_SLACK = 16_000_000
"""Bytes that it may grow beyond twice what it held when it was written anew."""
_AT_ONCE = 200
"""Records between two turns of the loop: about a millisecond."""


class Put(msgspec.Struct, tag="put", array_like=True):
    """An object as it is from now on."""

    kind: str
    namespace: str
    name: str
    json: bytes


class Gone(msgspec.Struct, tag="gone", array_like=True):
    """An object that is no more."""

    kind: str
    namespace: str
    name: str
    version: int


class Alive(msgspec.Struct, tag="alive", array_like=True):
    """How a pod lives on its node: what of it does not show in its status."""

    namespace: str
    name: str
    life: Life


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Put | Gone | Alive).decode


def read(path: Path, store: Store) -> dict[Key, Life]:
    """Put the objects of a file into a new store; the lives of its pods. Nothing where there is no file."""
    objects: dict[tuple[str, str, str], bytes] = {}
    lives: dict[Key, Life] = {}
    version = 0
    for record in _records(path):
        match record:
            case Put(kind, namespace, name, json):
                objects[kind, namespace, name] = json
            case Gone(kind, namespace, name, last):
                objects.pop((kind, namespace, name), None)
                version = max(version, last)
            case Alive(namespace, name, life):
                lives[namespace, name] = life
    store.restore(((kind, json) for (kind, _, _), json in objects.items()), version)
    pods = {key: store.get("Pod", *key) for key in lives}
    return {key: life for key, life in lives.items() if (pod := pods[key]) is not None and uid_of(pod) == life.uid}


def _records(path: Path) -> Iterator[Put | Gone | Alive]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        while len(head := file.read(_LENGTH)) == _LENGTH:
            length = int.from_bytes(head)
            if len(body := file.read(length)) < length:
                return
            yield _decode(body)


class Journal:
    """The file while the sandbox runs."""

    def __init__(self, path: Path, store: Store, kubelet: Kubelet, clock: Clock) -> None:
        self._path = path
        self._store = store
        self._kubelet = kubelet
        self._clock = clock
        self._size = self._kept = 0
        self._whole = True
        self._meanwhile: list[bytes] | None = None
        self._file = self._written_anew(self._rows())
        self._append(_alive(*item) for item in kubelet.lives.items())
        self._take(self._file)
        store.follow(self._note)
        kubelet.follow(lambda key, life: self._append([_alive(key, life)]))

    async def run(self) -> None:
        """Keep the file from growing for ever."""
        while True:
            await self._clock.sleep(_LOOK)
            if self._whole and self._size < 2 * self._kept + _SLACK:
                continue
            try:
                await self.compact()
            except OSError:
                # A full disk: what the sandbox holds is kept once there is room again.
                self._whole, self._meanwhile = False, None
                _log.exception("What the sandbox holds cannot be written down")

    async def compact(self) -> None:
        """Write the file anew; what happens meanwhile goes into both."""
        self._meanwhile = []
        file = await asyncio.to_thread(self._written_anew, self._rows())
        try:
            for number, key in enumerate(list(self._kubelet.lives)):
                if number % _AT_ONCE == 0:
                    await asyncio.sleep(0)
                if (life := self._kubelet.lives.get(key)) is not None:
                    self._meanwhile.append(_alive(key, life))
            while len(self._meanwhile) > _AT_ONCE:
                batch, self._meanwhile = self._meanwhile, []
                await asyncio.to_thread(_write, file, b"".join(batch))
            _write(file, b"".join(self._meanwhile))
        except BaseException:
            file.close()
            raise
        self._meanwhile = None
        self._file.close()
        self._take(file)

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    # ── inside ──

    def _rows(self) -> list[tuple[str, Row]]:
        return [(kind, row) for kind in KINDS for row in self._store.rows(kind)]

    def _written_anew(self, rows: list[tuple[str, Row]]) -> IO[bytes]:
        file = self._path.with_suffix(".new").open("wb", buffering=0)
        for first in range(0, len(rows), _AT_ONCE):
            _write(file, b"".join(_put(kind, row) for kind, row in rows[first : first + _AT_ONCE]))
        return file

    def _take(self, file: IO[bytes]) -> None:
        """A file that is complete takes the place of the one before."""
        self._path.with_suffix(".new").replace(self._path)
        self._file, self._whole = file, True
        self._size = self._kept = file.tell()

    def _note(self, write: Stored) -> None:
        kind = write.kind.name
        if write.type == "DELETED":
            metadata = write.object["metadata"]
            gone = Gone(kind, metadata.get("namespace", ""), metadata["name"], write.version)
            self._append([_record(gone)])
        else:
            self._append([_put(kind, write.row)])

    def _append(self, records: Iterable[bytes]) -> None:
        text = b"".join(records)
        if self._meanwhile is not None:
            self._meanwhile.append(text)
        if not self._whole:
            return
        try:
            _write(self._file, text)
            self._size += len(text)
        except OSError:
            # It may have been written in part: nothing can follow, until the file is written anew.
            self._whole = False
            _log.exception("What the sandbox holds cannot be written down")


def _put(kind: str, row: Row) -> bytes:
    metadata = row.object["metadata"]
    return _record(Put(kind, metadata.get("namespace", ""), metadata["name"], row.json))


def _alive(key: Key, life: Life) -> bytes:
    return _record(Alive(*key, life))


def _record(record: Put | Gone | Alive) -> bytes:
    body = _encode(record)
    return len(body).to_bytes(_LENGTH) + body


def _write(file: IO[bytes], text: bytes) -> None:
    view = memoryview(text)
    while view:
        view = view[file.write(view) :]
