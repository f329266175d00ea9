"""Those who came to an ordered feed at one time, after one cursor: what lies between it and the front is executed once for them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from .cohort import AT_ONCE, Place
from .frames import Frame

if TYPE_CHECKING:  # whoever imports the server has not yet imported the rooms below, which takes a second
    from nexus_gql.schema import Arrival, Mark


class Party:
    """Who keeps up is taken along. Who does not is let go with the cursor of what it was sent, and comes again when it can."""

    def __init__(self, arrival: "Arrival[Mark, Any]", execute: Callable[[object], Awaitable[Frame]]) -> None:
        self.closed = False
        """Whether frames have been sent, so that nobody can come any more."""
        self._arrival = arrival
        self._execute = execute
        self._members: dict[Place[Mark], asyncio.Future[Exception | None]] = {}
        self._task = asyncio.create_task(self._lead(), name="party of a cohort")

    async def take_along(self, place: "Place[Mark]") -> None:
        """Until it meets the front, or is let go. Raises what ended the way of all; the last one who leaves ends it too."""
        way = self._members[place] = asyncio.get_running_loop().create_future()
        try:
            error = await way
        finally:
            self._members.pop(place, None)
            if not self._members:
                self.closed = True
                self._task.cancel()
        if error is not None:
            raise error

    async def _lead(self) -> None:
        error = None
        try:
            async with aclosing(self._arrival.frames()) as frames:
                async for value in frames:
                    await self._send(await self._execute(value), value.cursor)
                    await asyncio.sleep(0)  # it is written now, so that it is known who keeps up
            for place in self._members:
                place.position = self._arrival.mark
        except Exception as found:
            error = found
        self.closed = True
        self._let_go(self._members, error)

    async def _send(self, frame: Frame, cursor: str) -> None:
        """To all who are ready. If nobody is, the one that came first is waited for, and the others are let go."""
        self.closed = True
        ready = [place for place in self._members if place.member.ready]
        taken = ready or [*self._members][:1]
        self._let_go(self._members.keys() - taken)
        if not ready:
            await taken[0].member.drained()
        for number, place in enumerate(taken):
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            if place in self._members:
                place.deliver((frame,))
                place.after = cursor

    def _let_go(self, places: Iterable["Place[Mark]"], error: Exception | None = None) -> None:
        for place in [*places]:
            way = self._members.pop(place)
            if not way.done():
                way.set_result(error)
