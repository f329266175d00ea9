"""Answers that go on: a watch, a log that is followed. They end when their source does, or the one who reads leaves."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.types import Send


async def stream(request: Request, send: Send, pieces: AsyncIterator[bytes], media_type: str) -> None:
    """Send the pieces as they come."""
    headers = [(b"content-type", media_type.encode()), (b"cache-control", b"no-cache, private")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    # An empty piece sends the headers now: a reader must know at once that its watch stands, however quiet it is.
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    sending = asyncio.ensure_future(_send_all(send, pieces))
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)
    if not sending.cancelled():
        sending.result()


async def _send_all(send: Send, pieces: AsyncIterator[bytes]) -> None:
    try:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


async def _left(request: Request) -> None:
    """Until the reader is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
