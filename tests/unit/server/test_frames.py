"""Frames as bytes, held against a library that reads them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame as Received
from websockets.protocol import State
from websockets.uri import parse_uri

from nexus_gql.server.frames import Frame, framed, spelled


def read(wire: bytes) -> list[bytes]:
    """What a client makes of some bytes."""
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    client.receive_data(wire)
    frames = [event for event in client.events_received() if isinstance(event, Received)]
    assert client.parser_exc is None
    assert all(frame.fin for frame in frames)
    return [bytes(frame.data) for frame in frames]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_text_of_any_length_should_be_read_as_it_is(length: int) -> None:
    assert read(framed(b"x" * length) + framed(b"next")) == [b"x" * length, b"next"]


@given(st.lists(st.text(max_size=300), min_size=1), st.text(max_size=70_000))
def test_one_frame_should_be_read_by_each_under_its_own_id(ids: list[str], text: str) -> None:
    payload = json.dumps({"data": text}).encode()
    frame = Frame(payload)
    for operation in [*ids, *ids]:
        (message,) = read(frame.message(spelled(operation)))
        assert json.loads(message) == {"id": operation, "type": "next", "payload": {"data": text}}


def test_those_with_equal_ids_should_be_given_the_same_bytes() -> None:
    frame = Frame(b"{}")
    assert frame.message(b'"1"') is frame.message(b'"1"')


def test_an_event_should_hold_the_payload_alone() -> None:
    assert Frame(b'{"data":1}').event == b'event: next\ndata: {"data":1}\n\n'
