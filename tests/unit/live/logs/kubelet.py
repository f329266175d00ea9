"""A container's log as a kubelet has it: in files, asked for in whole seconds, followed, broken and rotated at a word."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from nexus_gql import clock
from nexus_gql.live import Source
from tests.unit.clusters.apiserver import Apiserver, Asked, status

BEGIN = clock.parse_instant("2026-11-24T08:00:00Z")

Written = tuple[int, bytes]


def source(name: str, cluster: str = "c1") -> Source:
    """A container of a pod of that name."""
    return Source(cluster, "dev", "or-local-models", name, name, "churn")


@dataclass
class Log:
    """One container's: what it wrote, and how its kubelet is."""

    server: Apiserver
    source: Source
    lines: list[Written] = field(default_factory=list)
    before: list[Written] | None = None
    """What the container before it wrote."""
    refused: int | None = None
    """The status that everybody gets now."""
    unfollowed: bool = False
    """Whether nobody can follow it, though it can be read."""
    holds: bool = False
    """Whether the node says nothing, for as long as that lasts."""
    open: int = 0
    """Streams that are followed now."""
    most: int = 0
    """How many that were at most at one time."""
    sent: int = 0
    """Bytes that were taken."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _end: str = ""

    def write(self, *texts: str | bytes, at: float) -> None:
        """Lines of one moment, in seconds after the beginning."""
        when = BEGIN + round(at * 1e9)
        self.lines += [(when, text.encode() if isinstance(text, str) else text) for text in texts]
        self._wake()

    def end(self) -> None:
        """End the streams that are followed, as they should end."""
        self._stop("end")

    def tear(self) -> None:
        """Tear them."""
        self._stop("tear")

    def restart(self) -> None:
        """The container is started again: its log ends, and the next one begins."""
        self.end()
        self.before, self.lines = self.lines, []

    def rotate(self, left: int) -> None:
        """Begin another file: only the last lines can still be read."""
        self.lines = self.lines[len(self.lines) - left :]

    @property
    def asked(self) -> list[Asked]:
        """The requests."""
        return self.server.at(self.source.path)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one."""
        query = request.query
        while self.holds:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        if self.refused is not None:
            return await status(self.refused, "BadRequest")(request)
        if self.unfollowed and "follow" in query:
            return await status(500, "InternalError")(request)
        lines = self.before if "previous" in query else self.lines
        if lines is None:
            return await status(400, "BadRequest", "previous terminated container not found")(request)
        response = web.StreamResponse()
        await response.prepare(request)
        first = max(0, len(lines) - int(query["tailLines"])) if "tailLines" in query else 0
        since = clock.parse_instant(query["sinceTime"]) if "sinceTime" in query else 0
        if "follow" not in query:
            await self._send(response, [line for line in lines[first:] if line[0] >= since])
            return response
        return await self._follow(request, response, first, since)

    async def _follow(
        self, request: web.Request, response: web.StreamResponse, first: int, since: int
    ) -> web.StreamResponse:
        lines = self.lines
        end = self._changed, self._end
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            while True:
                changed = self._changed
                await self._send(response, [line for line in lines[first:] if line[0] >= since])
                first = len(lines)
                if self._end != end[1]:
                    if self._end.startswith("tear") and request.transport is not None:
                        request.transport.abort()
                    return response
                await changed.wait()
        finally:
            self.open -= 1

    async def _send(self, response: web.StreamResponse, lines: list[Written]) -> None:
        for number in range(0, len(lines), 500):
            raw = b"".join(
                clock.format_instant(at).encode() + b" " + text + b"\n" for at, text in lines[number : number + 500]
            )
            await response.write(raw)
            self.sent += len(raw)

    def _stop(self, how: str) -> None:
        self._end = f"{how} {len(self._end) + 1}" + self._end
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
