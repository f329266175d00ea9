"""Server-sent events, in the distinct connections mode of graphql-sse.

The protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress

from starlette.types import Receive, Scope, Send

from nexus_gql.access import Viewer
from nexus_gql.problems import Unauthenticated

from . import errors
from .frames import Frame
from .messages import Answer, encode
from .operations import Rejected
from .sessions import FORBIDDEN, Ending, Sessions

# Proxies cut what is silent; 15 s is under the lowest usual limit (30 s).
BEAT_EVERY = 15.0
_END_WITHIN = 5.0

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]
_BEAT = b":\n\n"


class EventStream:
    """Answers with each result as an event; ends with the operation, the client or the credentials, whichever is first."""

    def __init__(
        self,
        results: AsyncGenerator[Answer | Frame, None],
        *,
        sessions: Sessions,
        authorization: str | None,
        viewer: Viewer,
    ) -> None:
        self._results = results
        self._sessions = sessions
        self._credentials = authorization, viewer
        self._ending: Ending | None = None
        self._time = asyncio.timeout(None)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the whole of it."""
        async with aclosing(self._results):
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            beside = [asyncio.create_task(self._leave(receive)), asyncio.create_task(_beat(send))]
            last = b""
            try:
                async with self._time:
                    with self._sessions.open(*self._credentials, self._end):
                        last = await self._pump(send)
            except TimeoutError:
                last = _told(self._ending)
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_WITHIN):
                await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _pump(self, send: Send) -> bytes:
        try:
            async for answer in self._results:
                await send({"type": "http.response.body", "body": event(answer), "more_body": True})
        except Rejected as rejected:
            return event({"errors": rejected.errors}) + _COMPLETE
        return _COMPLETE

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        self._stop()

    async def _leave(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stop()

    def _stop(self) -> None:
        if not self._time.expired():  # the client may leave while it is being ended
            self._time.reschedule(asyncio.get_running_loop().time())


_COMPLETE = b"event: complete\ndata:\n\n"


def event(result: Mapping[str, object] | Answer | Frame) -> bytes:
    """One result as an event."""
    return (result if isinstance(result, Frame) else Frame(encode(result))).event


async def _beat(send: Send) -> None:
    while True:
        await asyncio.sleep(BEAT_EVERY)
        await send({"type": "http.response.body", "body": _BEAT, "more_body": True})


def _told(ending: Ending | None) -> bytes:
    """What is said last. A stopped server says nothing, so that the client comes back."""
    if ending is None or ending.code != FORBIDDEN:
        return b""
    return event({"errors": [errors.answer(Unauthenticated(ending.reason))]}) + _COMPLETE
