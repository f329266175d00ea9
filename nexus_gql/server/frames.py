"""Results as bytes, encoded once however many they are sent to.

A server's WebSocket frames are not masked, so the bytes of one are the same for all whose operation has the same id, and but for its
beginning for the others.
"""

import msgspec

_TEXT = 0x81  # a whole message of text
_SHORT, _MEDIUM = 126, 1 << 16


def framed(text: bytes) -> bytes:
    """A text message as an unmasked WebSocket frame: https://www.rfc-editor.org/rfc/rfc6455#section-5.2."""
    return header(len(text)) + text


def header(length: int) -> bytes:
    """What stands before a message of some length."""
    if length < _SHORT:
        return bytes((_TEXT, length))
    if length < _MEDIUM:
        return bytes((_TEXT, _SHORT)) + length.to_bytes(2, "big")
    return bytes((_TEXT, _SHORT + 1)) + length.to_bytes(8, "big")


class Frame:
    """One result in JSON, and what was made of it for the wire."""

    __slots__ = ("_id", "_message", "_payload", "_rest", "failed")

    def __init__(self, payload: bytes, *, failed: bool = False) -> None:
        self.failed = failed
        "Whether there are errors in it."
        self._payload = payload
        self._rest = b',"type":"next","payload":' + payload + b"}"
        self._id = self._message = b""

    def message(self, spelled_id: bytes) -> bytes:
        """As a WebSocket's frame for an operation, whose id is given as JSON."""
        if spelled_id != self._id:
            start = b'{"id":' + spelled_id
            self._id = spelled_id
            self._message = header(len(start) + len(self._rest)) + start + self._rest
        return self._message

    @property
    def size(self) -> int:
        """Bytes of the result."""
        return len(self._payload)

    @property
    def event(self) -> bytes:
        """As a server-sent event; JSON has no line breaks of its own."""
        return b"event: next\ndata: " + self._payload + b"\n\n"


def spelled(operation_id: str) -> bytes:
    """An id as JSON."""
    return msgspec.json.encode(operation_id)
