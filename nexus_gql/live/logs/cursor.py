"""A cursor: how far a reader of many sources has come, small, and meaning the same on every replica.

It holds one watermark, the time of the newest line sent, and the positions of those sources whose last line is close to it or
past it, or which are known to lag. Every other source was quiet for `WINDOW` before the watermark, so going on from that
window's beginning neither loses a line of it nor repeats one.

While a cluster has not been seen, its sources have no part in the watermark: then all that are known are listed, and one position
stands for those that are not.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from .lines import Position

WINDOW = 5_000_000_000
"""Nanoseconds before the watermark within which every source that wrote is listed."""

_KEY_BYTES = 5
_UNSEEN = bytes(_KEY_BYTES)
"""In the place of a source: those that are not listed, where some have not been seen."""
_LENGTH_LIMIT = 32 * 1024
"""Characters: several times what the most sources that may be followed take."""
_LATEST = 1 << 63


class MalformedCursor(ValueError):
    """The text was not made here."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to go on."""

    watermark: int = 0
    positions: Mapping[bytes, Position] = field(default_factory=dict)

    def position(self, source: str) -> Position:
        """Where to go on in a source."""
        listed = self.positions.get(_key(source))
        return listed if listed is not None else self._elsewhere

    @property
    def _elsewhere(self) -> Position:
        return self.positions.get(_UNSEEN) or _before(self.watermark)

    def others(self, sources: Iterable[str]) -> list[Position]:
        """The positions that are listed for sources other than these."""
        return [position for key, position in self.unseen(sources).positions.items() if key != _UNSEEN]

    def unseen(self, sources: Iterable[str]) -> "Cursor":
        """What it says of sources other than these."""
        these = {_key(source) for source in sources}
        listed = {key: position for key, position in self.positions.items() if key not in these}
        listed[_UNSEEN] = self._elsewhere
        return Cursor(max(position.at for position in listed.values()), listed)

    def text(self) -> str:
        """The cursor as a client holds it."""
        parts = [_number(self.watermark)]
        last = self.watermark
        for key, position in sorted(self.positions.items(), key=lambda item: (-item[1].at, item[0])):
            # Each by its distance from the one before, the newest first, which takes half the bytes of the time itself.
            parts += [key, _number(last - position.at), _number(position.seen)]
            last = position.at
        body = b"".join(parts)
        return base64.urlsafe_b64encode(body + zlib.crc32(body).to_bytes(4, "big")).decode().rstrip("=")

    @classmethod
    def of(cls, positions: Mapping[str, Position], lagging: set[str], unseen: "Cursor | None" = None) -> "Cursor":
        """The cursor of a reader that stands at these positions in these sources. `unseen`: where in those that it has not seen."""
        watermark = max((position.at for position in positions.values()), default=0)
        listed = {
            _key(source): position
            for source, position in positions.items()
            if unseen is not None or position.at >= watermark - WINDOW or source in lagging
        }
        if unseen is None:
            return cls(watermark, listed)
        return cls(max(watermark, unseen.watermark), {**unseen.positions, **listed})

    @classmethod
    def since(cls, at: int) -> "Cursor":
        """The cursor of one that has read nothing yet, and goes on with what is written from some time on."""
        return cls(_before(at).at, {_UNSEEN: _before(at)})

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """The cursor that a client hands back."""
        if len(text) > _LENGTH_LIMIT:
            raise MalformedCursor("This cursor was not made here.")
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError) as error:
            raise MalformedCursor("This cursor was not made here.") from error
        body, check = raw[:-4], raw[-4:]
        if len(raw) < 5 or zlib.crc32(body).to_bytes(4, "big") != check:
            raise MalformedCursor("This cursor was not made here.")
        watermark, at = _read(body, 0)
        positions, last = {}, watermark
        while at < len(body):
            key, at = body[at : at + _KEY_BYTES], at + _KEY_BYTES
            distance, at = _read(body, at)
            count, at = _read(body, at)
            last -= distance
            positions[key] = Position(last, count)
        if not 0 <= last <= watermark < _LATEST:
            # Beyond, no time can be made of it; the sum at the end keeps mistakes out, not ill will.
            raise MalformedCursor("This cursor was not made here.")
        return cls(watermark, positions)


def _before(watermark: int) -> Position:
    """From where on a source is read that was quiet before a watermark."""
    return Position(max(0, watermark - WINDOW))


@lru_cache(maxsize=8192)
def _key(source: str) -> bytes:
    return hashlib.blake2b(source.encode(), digest_size=_KEY_BYTES).digest()


def _number(value: int) -> bytes:
    """A variable-length integer, seven bits a byte."""
    parts = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        parts.append(low | (0x80 if value else 0))
        if not value:
            return bytes(parts)


def _read(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(body):
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
    raise MalformedCursor("This cursor was not made here.")
