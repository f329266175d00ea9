"""Credentials in use: each is looked up once however much is open with it, and what it opened ends when it does."""

import asyncio
from datetime import timedelta

import pytest
import structlog

from nexus_gql import clock
from nexus_gql.access import EVERYTHING, LOCAL_VIEWER, Scope, Viewer
from nexus_gql.problems import Unauthenticated, Unreachable
from nexus_gql.server.sessions import LOOK_EVERY, Ending, Sessions

from .toy import World

ANN = Viewer("ann", "token a", EVERYTHING)


async def test_however_many_share_a_token_it_should_be_looked_up_once() -> None:
    world = World({"a": ANN, None: LOCAL_VIEWER})
    sessions = Sessions(world.authenticate)
    endings: list[Ending] = []
    with sessions.open("a", ANN, endings.append), sessions.open("a", ANN, endings.append):
        with sessions.open(None, LOCAL_VIEWER, endings.append):
            await sessions.look()
            assert world.lookups == 2
        await sessions.look()
        assert world.lookups == 3
    await sessions.look()
    assert (world.lookups, endings) == (3, [])


async def test_a_token_that_is_revoked_should_end_what_it_opened_and_nothing_else() -> None:
    world = World({"a": ANN, "b": ANN})
    sessions = Sessions(world.authenticate)
    revoked: list[Ending] = []
    others: list[Ending] = []
    with (
        sessions.open("a", ANN, revoked.append),
        sessions.open("a", ANN, revoked.append),
        sessions.open("b", ANN, others.append),
    ):
        del world.tokens["a"]
        await sessions.look()
        await sessions.look()
    assert revoked == [Ending(4403, "This token is not known here.")] * 2
    assert others == []


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(Viewer("ann", "token a", Scope(())), id="less"),
        pytest.param(Viewer("bob", "token a", EVERYTHING), id="somebody else"),
    ],
)
async def test_rights_that_change_should_end_what_was_opened_with_the_old_ones(now: Viewer) -> None:
    world = World({"a": ANN})
    sessions = Sessions(world.authenticate)
    before: list[Ending] = []
    after: list[Ending] = []
    with sessions.open("a", ANN, before.append):
        world.tokens["a"] = now
        with sessions.open("a", now, after.append):
            await sessions.look()
    assert before == [Ending(4403, "your rights changed: connect again")]
    assert after == []


async def test_a_database_that_is_away_should_end_nothing_and_be_logged() -> None:
    world = World({"a": ANN}, broken=Unreachable("away"))
    sessions = Sessions(world.authenticate)
    endings: list[Ending] = []
    with structlog.testing.capture_logs() as logged, sessions.open("a", ANN, endings.append):
        await sessions.look()
    assert endings == []
    assert [line["log_level"] for line in logged] == ["warning"]


@pytest.mark.looptime
async def test_a_token_should_end_what_it_opened_at_the_instant_it_expires() -> None:
    ended: list[tuple[float, Ending]] = []
    start = clock.elapsed()
    viewer = Viewer("ann", "token a", EVERYTHING, clock.now() + timedelta(hours=1))
    sessions = Sessions(World({"a": viewer}).authenticate)
    with sessions.open("a", viewer, lambda ending: ended.append((clock.elapsed() - start, ending))):
        await asyncio.sleep(3590)
        assert ended == []
        await asyncio.sleep(20)
    assert [ending for _, ending in ended] == [Ending(4403, "token ended")]
    assert ended[0][0] == pytest.approx(3600, abs=1)


@pytest.mark.looptime
async def test_what_is_closed_before_it_expires_should_not_be_ended_later() -> None:
    endings: list[Ending] = []
    viewer = Viewer("ann", "token a", EVERYTHING, clock.now() + timedelta(minutes=1))
    with Sessions(World().authenticate).open("a", viewer, endings.append):
        pass
    await asyncio.sleep(120)
    assert endings == []


@pytest.mark.looptime
async def test_a_revoked_token_should_be_noticed_at_the_next_look() -> None:
    world = World({"a": ANN})
    sessions = Sessions(world.authenticate)
    ended: list[float] = []
    start = clock.elapsed()
    watch = asyncio.create_task(sessions.watch())
    with sessions.open("a", ANN, lambda _: ended.append(clock.elapsed() - start)):
        await asyncio.sleep(LOOK_EVERY * 10 + 1)
        del world.tokens["a"]
        await asyncio.sleep(LOOK_EVERY * 2)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    assert ended == [pytest.approx(LOOK_EVERY * 11)]
    assert world.lookups == 11


@pytest.mark.looptime
async def test_a_look_that_gets_no_answer_should_not_hold_up_the_next_one() -> None:
    asked: list[str | None] = []

    async def authenticate(authorization: str | None) -> Viewer:
        asked.append(authorization)
        if authorization == "a":
            await asyncio.Event().wait()
        raise Unauthenticated("gone")

    sessions = Sessions(authenticate)
    endings: list[Ending] = []
    with (
        structlog.testing.capture_logs(),
        sessions.open("a", ANN, endings.append),
        sessions.open("b", ANN, endings.append),
    ):
        await sessions.look()
    assert asked == ["a", "b"]
    assert endings == [Ending(4403, "gone")]


async def test_a_server_that_stops_should_end_everything() -> None:
    sessions = Sessions(World().authenticate)
    endings: list[Ending] = []
    with sessions.open("a", ANN, endings.append), sessions.open("b", ANN, endings.append):
        sessions.stop()
        sessions.stop()
    assert [ending.code for ending in endings] == [1012, 1012]
