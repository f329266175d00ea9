"""What clients send and what they are sent, as JSON: decoded into structs at the edge, so that nothing behind it meets a stray type."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from nexus_gql.problems import BadRequest

from .errors import ErrorAnswer


class Operation(msgspec.Struct, frozen=True, rename="camel"):
    """A document and what it is run with: the body of a POST, and the payload of `subscribe`."""

    query: str
    variables: dict[str, object] | None = None
    operation_name: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One result, in the shape of GraphQL's responses."""

    data: dict[str, object] | None
    errors: list[ErrorAnswer] | msgspec.UnsetType = msgspec.UNSET


class ConnectionInit(msgspec.Struct, frozen=True, tag="connection_init"):
    """The first message of a WebSocket; its payload holds the credentials."""

    payload: dict[str, object] | None = None


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Asks for a pong."""


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """Answers a ping, or is sent unasked; either way there is nothing to do."""


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Starts an operation of any kind under an id that the client chose."""

    id: str
    payload: Operation


class Complete(msgspec.Struct, frozen=True, tag="complete"):
    """The client wants no more of an operation."""

    id: str


Message = ConnectionInit | Ping | Pong | Subscribe | Complete

T = TypeVar("T")

_messages: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_bodies: msgspec.json.Decoder[Operation] = msgspec.json.Decoder(Operation)


def decode_message(text: str) -> Message:
    """One message of graphql-transport-ws, or BadRequest."""
    return _decode(_messages, text)


def decode_body(body: bytes) -> Operation:
    """The body of a POST, or BadRequest."""
    return _decode(_bodies, body)


def encode(value: Mapping[str, object] | msgspec.Struct) -> bytes:
    """JSON of what the schema resolved."""
    return msgspec.json.encode(value, enc_hook=_plain)


def _decode(decoder: msgspec.json.Decoder[T], text: str | bytes) -> T:
    try:
        return decoder.decode(text)
    except RecursionError:  # it would carry ten thousand frames along
        nested = True
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadRequest(f"This is not a message as the protocol has it: {error}") from error
    if nested:
        raise BadRequest("This is not a message as the protocol has it: it is nested too deeply.")
    raise AssertionError


def _plain(value: object) -> object:
    # msgspec knows the built-in types and not what is derived from them, which resolvers may well return.
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not serialised by its scalar")
