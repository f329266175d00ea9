"""Credentials in use: open sockets and streams, and how they end when what they came in with does."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from nexus_gql import clock
from nexus_gql.access import Viewer
from nexus_gql.problems import Unauthenticated

log = structlog.get_logger(__name__)

# How long a revoked token may go on to be used by what is open already. Expiry is not looked for: it has a timer.
LOOK_EVERY = 5.0

FORBIDDEN = 4403
RESTARTING = 1012

Authenticate = Callable[[str | None], Awaitable[Viewer]]


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection is closed, in WebSocket's terms."""

    code: int
    reason: str


_EXPIRED = Ending(FORBIDDEN, "token ended")
_CHANGED = Ending(FORBIDDEN, "your rights changed: connect again")
_STOPPED = Ending(RESTARTING, "the server stops: connect again")


@dataclass(eq=False, slots=True)
class _Session:
    viewer: Viewer
    end: Callable[[Ending], None]
    expiry: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Sessions:
    """What is open, by the credentials that it was opened with: however many share a token, it is looked up once."""

    authenticate: Authenticate
    _open: dict[str | None, set[_Session]] = field(default_factory=dict)

    @contextmanager
    def open(self, authorization: str | None, viewer: Viewer, end: Callable[[Ending], None]) -> Iterator[None]:
        """Something is open for as long as this lasts; `end` is called at most once, and then must see to it that it closes."""
        session = _Session(viewer, end)
        self._open.setdefault(authorization, set()).add(session)
        if viewer.expires_at is not None:
            left = (viewer.expires_at - clock.now()).total_seconds()
            session.expiry = asyncio.get_running_loop().call_later(left, self._end, authorization, session, _EXPIRED)
        try:
            yield
        finally:
            self._forget(authorization, session)

    async def watch(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self.look()

    async def look(self) -> None:
        """Ask of each of the credentials in use who they stand for now, and end what is open for somebody else."""
        for authorization in list(self._open):
            now = await self._ask(authorization)
            for session in list(self._open.get(authorization, ())):
                ending = _judge(session.viewer, now)
                if ending is not None:
                    self._end(authorization, session, ending)

    def stop(self) -> None:
        """End everything, because the server stops."""
        for authorization, sessions in list(self._open.items()):
            for session in list(sessions):
                self._end(authorization, session, _STOPPED)

    async def _ask(self, authorization: str | None) -> Viewer | Ending | None:
        try:
            async with asyncio.timeout(LOOK_EVERY):
                return await self.authenticate(authorization)
        except Unauthenticated as error:
            return Ending(FORBIDDEN, str(error))
        except Exception as error:
            # The database is away: nobody is thrown out for that, and expiry has its timer.
            log.warning("Credentials in use could not be looked up; they stand until they can", error=repr(error))
            return None

    def _end(self, authorization: str | None, session: _Session, ending: Ending) -> None:
        if self._forget(authorization, session):
            session.end(ending)

    def _forget(self, authorization: str | None, session: _Session) -> bool:
        sessions = self._open.get(authorization, set())
        if session not in sessions:
            return False
        sessions.remove(session)
        if not sessions:
            del self._open[authorization]
        if session.expiry is not None:
            session.expiry.cancel()
        return True


def _judge(then: Viewer, now: Viewer | Ending | None) -> Ending | None:
    if now is None or isinstance(now, Ending):
        return now
    return None if (then.name, then.scope) == (now.name, now.scope) else _CHANGED
