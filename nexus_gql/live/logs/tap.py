"""One stream for each container, however many read it: opened with the first reader, closed some time after the last."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from itertools import count
from typing import Protocol

import structlog

from nexus_gql import clock
from nexus_gql.backoff import Backoff
from nexus_gql.clusters import ClusterError, Connection, Link, RequestError, Unreachable
from nexus_gql.supervisor import Supervisor

from .gaps import Gap, Reason
from .lines import Position, Raw, line_of
from .reading import last, since
from .ring import LINES, Ring
from .source import Source, Stage

log = structlog.get_logger(__name__)

LINGER = 10.0
"""Seconds for which a stream without a reader stays open: somebody who comes back finds it."""
RATE = 2000
"""Lines of one container in a second that are handed on in the long run. What a person can read is far below, and what GraphQL can
send in all is not far above: some 10,000 a second."""
BURST = 10_000
"""So many may come at once: what a start or a stack trace writes."""
_BACKLOG = 200
"""Last lines that a stream begins with, so that most readers need no request of their own."""
_TURN = 250
"""Lines after which readers may get their turn: what comes at once may be more than the ring holds."""
HOPELESS = 8
"""So often in a row the log of a container that will never run again is asked for in vain: about half a minute. Its node may be gone for
good, and nobody could be told that this is its end."""
_PATIENCE = 1.0
"""Seconds for which the reading waits for the first of its readers."""

Look = Callable[[Source], Link | None]


class Reader(Protocol):
    """Somebody who reads a tap."""

    @property
    def seat(self) -> int | None:
        """The seat it takes next; None while it reads what lies before."""
        ...

    def wake(self) -> None:
        """There is something new."""
        ...


class Tap:
    """One container's log as it comes. Its owner runs `run`."""

    def __init__(self, source: Source, link: Look, stage: Callable[[Source], Stage]) -> None:
        self.source = source
        self.ring = Ring()
        self.readers: set[Reader] = set()
        self.begun = asyncio.Event()
        """Whether it is known where the log stands; readers wait for that."""
        self.answered = False
        """Whether a stream is open, so that the ring follows the log."""
        self.ended = False
        """Whether nothing comes any more, unless the container is started again."""
        self.heard = 0.0
        self._link = link
        self._stage = stage
        self._position: Position | None = None
        self._again = asyncio.Event()
        self._taken = asyncio.Event()
        self._impatient = False
        self._failures = 0
        self._complained = False
        self._allowance = _Allowance(self)

    # ── for its readers ──

    def taken(self) -> None:
        """A reader went on."""
        self._taken.set()

    def look_again(self) -> None:
        """Pods changed: perhaps the container runs again."""
        if self.ended and self._stage(self.source) is Stage.RUNS:
            self.ended = False
            self._again.set()

    # ── the reading ──

    async def run(self) -> None:
        """Read for ever; a stream that ends while its container does not is opened again."""
        backoff = Backoff(first=0.25, ceiling=10.0)
        while True:
            torn = await self._read()
            if self._is_over(torn):
                await self._rest()
                backoff.succeeded()
            else:
                await asyncio.sleep(backoff.failed())

    def _is_over(self, torn: Exception | None) -> bool:
        """Whether there is no use in trying again now. A stream that broke may have kept something back, as long as its pod is there."""
        stage = self._stage(self.source)
        if torn is None or isinstance(torn, RequestError):
            if stage is Stage.OVER and self._failures:
                self.tell(self._gap(f"The connection was lost, and the container with it: {torn}"))
            return stage is not Stage.RUNS
        if stage is not Stage.OVER:
            return False
        if self._failures >= HOPELESS:
            self.tell(self._gap(f"The container is gone, and what it wrote last cannot be read: {torn}"))
            return True
        return self._link(self.source) is None

    async def _rest(self) -> None:
        self.ended = True
        self._again.clear()
        self.begun.set()
        self._wake()
        await self._again.wait()

    async def _read(self) -> Exception | None:
        """Read on until the stream ends; what broke it, where it broke."""
        try:
            await self._stream(await self._connected())
        except RequestError as error:
            return error  # 400, 404: the container does not run yet, or its log cannot be had just now
        except ClusterError as error:
            if (link := self._link(self.source)) is not None:
                link.doubt()
            if self._failures:  # not for the first time: it does not only need to be opened again
                self._complain(error)
            self._failures += 1
            return error
        finally:
            self.answered = False
            self._allowance.over()
        self._failures = 0
        return None

    async def _connected(self) -> Connection:
        link = self._link(self.source)
        if link is None:
            raise Unreachable("The cluster is not registered any more.")
        try:
            return await link.connected()
        except Unreachable as error:
            self._complain(error)
            return await link.wait_until_connected()

    async def _stream(self, connection: Connection) -> None:
        if self._position is None:
            self._position = await self._begin(connection)
        async with aclosing(self._since(connection, self._position)) as found:
            async for item in found:
                self.heard = clock.elapsed()
                if isinstance(item, Gap):
                    self.tell(item)
                    continue
                for number in range(0, len(item), _TURN):
                    self._take(item[number : number + _TURN])
                    await self._room()

    def _since(self, connection: Connection, position: Position) -> AsyncGenerator[list[Raw] | Gap, None]:
        return since(connection, self.source, position, follow=True, answered=self._answer)

    async def _begin(self, connection: Connection) -> Position:
        """Read the last lines. They say where the log stands, whatever the time is on its node."""
        placed, floor = await last(connection, self.source, _BACKLOG)
        self.ring.floor = floor
        for position, line in placed:
            self.ring.put(position, line)
        self.heard = clock.elapsed()
        self.begun.set()
        self._wake()
        return placed[-1][0] if placed else Position()

    def _answer(self) -> None:
        self.answered, self._failures, self._complained = True, 0, False
        self.heard = clock.elapsed()

    def _take(self, raws: list[Raw]) -> None:
        position = self._position or Position()
        granted = self._allowance.granted(len(raws))
        for at, text in raws[:granted]:
            position = position.after(at)
            self.ring.put(position, line_of(at, text))
        if missed := raws[granted:]:
            for at, _ in missed:
                position = position.after(at)
            self._allowance.missed(missed, position)
        self._position = position
        self._wake()

    def tell(self, gap: Gap, position: Position | None = None) -> None:
        """Put a gap before what comes."""
        self.ring.put(position or self._position or Position(), gap)
        self._wake()

    def _complain(self, error: Exception) -> None:
        """Say once that nothing comes for now."""
        if not self._complained:
            self._complained = True
            log.info("A log cannot be read", source=self.source.key, reason=str(error))
            self.tell(self._gap(f"{error} What can still be read then comes once it can be reached."))

    def _gap(self, message: str) -> Gap:
        at = self._position.at if self._position else 0
        return Gap(Reason.SOURCE_LOST, message, self.source, at or None)

    def _wake(self) -> None:
        for reader in self.readers:
            reader.wake()

    async def _room(self) -> None:
        """Where even the first of the readers is far behind, wait for it, but not for long.

        So a burst reaches who reads fast, whole; and one who does not read at all keeps nobody waiting, and nothing in memory.
        """
        while self._behind() > LINES // 2 and not self._impatient:
            self._taken.clear()
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._taken.wait()
            except TimeoutError:
                self._impatient = True
        if self._behind() <= LINES // 2:
            self._impatient = False

    def _behind(self) -> int:
        seats = [reader.seat for reader in self.readers if reader.seat is not None]
        return self.ring.end - max(seats) if seats else 0


class _Allowance:
    """So many lines in each second, or saved up; those beyond are counted, and told at the second's end."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._until = 0.0
        self._left = BURST
        self._missed = 0
        self._since = self._last = 0
        self._position = Position()
        self._ending: asyncio.TimerHandle | None = None

    def granted(self, lines: int) -> int:
        """How many of some lines are handed on."""
        now = clock.elapsed()
        if now >= self._until:
            self.over()
            self._left = min(BURST, self._left + RATE * (1 + int(now - self._until)))
            self._until = now + 1
        granted = min(lines, self._left)
        self._left -= granted
        return granted

    def missed(self, raws: list[Raw], position: Position) -> None:
        """Lines that are not, and where the log stands after them."""
        if not self._missed:
            self._since = raws[0][0]
            self._ending = asyncio.get_running_loop().call_at(self._until, self.over)
        self._missed += len(raws)
        self._last, self._position = raws[-1][0], position

    def over(self) -> None:
        """The second, or the stream, is over."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if self._missed:
            message = f"It writes more than {RATE} lines a second: {self._missed} were left out."
            gap = Gap(Reason.RATE_LIMIT, message, self._tap.source, self._since, self._last, self._missed)
            self._missed = 0
            self._tap.tell(gap, self._position)


class Taps:
    """The taps that are open. `link`: how a source is reached; `stage`: what may still come of its container."""

    def __init__(self, link: Look, stage: Callable[[Source], Stage], supervisor: Supervisor) -> None:
        self.link = link
        self.stage = stage
        self._supervisor = supervisor
        self._numbers = count(1)
        self._taps: dict[str, tuple[Tap, str]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def join(self, source: Source, reader: Reader) -> Tap:
        """The tap of a source, opened where it is not."""
        if source.key not in self._taps:
            name = f"log {source.key} {next(self._numbers)}"
            tap = Tap(source, self.link, self.stage)
            self._taps[source.key] = (tap, name)
            self._supervisor.start(name, tap.run)
        tap, _ = self._taps[source.key]
        tap.readers.add(reader)
        return tap

    def leave(self, tap: Tap, reader: Reader) -> None:
        """A reader goes. The last one's tap is closed some time after."""
        tap.readers.discard(reader)
        tap.taken()
        if not tap.readers:
            asyncio.get_running_loop().call_later(LINGER, self._close, tap)

    def __len__(self) -> int:
        return len(self._taps)

    def _close(self, tap: Tap) -> None:
        found = self._taps.get(tap.source.key)
        # Another of the same source may be there since.
        if found is not None and found[0] is tap and not tap.readers:
            del self._taps[tap.source.key]
            closing = asyncio.create_task(self._supervisor.stop(found[1]), name=f"closing {found[1]}")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
