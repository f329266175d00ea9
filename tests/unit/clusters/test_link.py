"""A link's life: connected, lost, refused, and back. Real sockets, and a virtual clock."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from nexus_gql import clock
from nexus_gql.clusters import ConnectionStatus, Link, Unreachable
from nexus_gql.clusters.kubeconfig import Loaded
from nexus_gql.supervisor import Supervisor
from nexus_gql.vault import VaultError

from .apiserver import UID, Apiserver, apiserver, body, document, linked, status, watched

pytestmark = pytest.mark.looptime

UP, DOWN, REFUSED = ConnectionStatus.CONNECTED, ConnectionStatus.UNREACHABLE, ConnectionStatus.UNAUTHORIZED
VERSION = document({"gitVersion": "v1.34.4"})
BROKEN = status(500, "InternalError")


@pytest.fixture
async def server() -> AsyncIterator[Apiserver]:
    async with apiserver() as server:
        yield server


async def test_a_link_should_connect_and_say_to_what(server: Apiserver) -> None:
    async with linked(server) as kept:
        connection = await kept.link.connected()

        assert connection.server == server.url
        assert kept.link.version == "v1.34.4"
        assert kept.link.latency is not None
        assert [state.status for state in kept.states] == [UP]
        assert (kept.link.state.retry_at, kept.link.state.lost_at) == (None, None)


async def test_a_link_should_feel_its_pulse_every_ten_seconds(server: Apiserver) -> None:
    async with linked(server) as kept:
        await kept.link.connected()
        await asyncio.sleep(95)

        assert len(server.at("/version")) == 10
        assert len(server.at("/api/v1/namespaces/kube-system")) == 1


async def test_a_lost_link_should_say_since_when_and_when_it_tries_again(server: Apiserver) -> None:
    async with linked(server) as kept:
        await kept.becomes(UP)
        server.script("/version", BROKEN)

        lost = await kept.becomes(DOWN)

        assert lost.message == "no"
        assert lost.lost_at is not None
        assert lost.lost_at <= clock.elapsed() <= lost.lost_at + 0.2
        assert lost.retry_at is not None
        assert 0.8 <= (lost.retry_at - lost.since).total_seconds() <= 1.7


async def test_trouble_that_goes_on_should_have_begun_when_it_began(server: Apiserver) -> None:
    async with linked(server) as kept:
        await kept.becomes(UP)
        server.script("/version", BROKEN)
        first = await kept.becomes(DOWN)
        await asyncio.sleep(60)

        assert len(kept.states) > 4
        assert (kept.link.state.since, kept.link.state.lost_at) == (first.since, first.lost_at)
        assert kept.link.state.retry_at != first.retry_at


async def test_a_link_should_come_back_and_forget_its_trouble(server: Apiserver) -> None:
    async with linked(server) as kept:
        await kept.becomes(UP)
        server.script("/version", BROKEN, BROKEN, VERSION)
        await kept.becomes(DOWN)
        back = await kept.becomes(UP)

        assert (back.retry_at, back.lost_at) == (None, None)
        assert [state.status for state in kept.states] == [UP, DOWN, DOWN, UP]


async def test_another_cluster_at_the_same_address_should_be_refused_with_the_remedy(server: Apiserver) -> None:
    async with linked(server, uid="another") as kept:
        refused = await kept.becomes(REFUSED)

        assert "updateCluster" in refused.message
        with pytest.raises(Unreachable, match="Another cluster answers"):
            await kept.link.connected()


async def test_a_cluster_that_was_made_anew_should_be_noticed_after_it_was_lost(server: Apiserver) -> None:
    async with linked(server) as kept:
        await kept.becomes(UP)
        server.script("/api/v1/namespaces/kube-system", document({"metadata": {"uid": "another"}}))
        server.script("/version", BROKEN, VERSION)
        lost = await kept.becomes(DOWN)
        refused = await kept.becomes(REFUSED)

        assert refused.lost_at == lost.lost_at


async def test_credentials_that_are_not_accepted_should_show_as_unauthorized(server: Apiserver) -> None:
    server.script("/version", status(401, "Unauthorized", "Unauthorized"))
    async with linked(server) as kept:
        refused = await kept.becomes(REFUSED)

        assert "credentials" in refused.message


@pytest.mark.parametrize("page", [b"<html>Sign in</html>", b"[]", b"{}", b'{"gitVersion": null}'])
async def test_something_else_that_answers_should_show_as_unreachable(server: Apiserver, page: bytes) -> None:
    """Symptom: a proxy's page killed the task that keeps the link, whose state stayed CONNECTED for ever."""
    async with linked(server) as kept:
        await kept.becomes(UP)
        server.script("/version", body(page))
        lost = await kept.becomes(DOWN)

        assert lost.message == "What answers there is no Kubernetes cluster."


async def test_a_pulse_that_gets_no_answer_should_count_as_lost_after_five_seconds(server: Apiserver) -> None:
    async with linked(server) as kept:
        await kept.becomes(UP)
        started = clock.elapsed()
        server.script("/version", watched())
        await kept.becomes(DOWN)

        assert 15 <= clock.elapsed() - started <= 15.5


async def test_doubt_should_be_looked_into_at_once_but_never_more_than_twice_a_second(server: Apiserver) -> None:
    async with linked(server) as kept:
        await kept.becomes(UP)
        before = len(server.at("/version"))
        for _ in range(50):
            kept.link.doubt()
            await asyncio.sleep(0.1)

        assert 8 <= len(server.at("/version")) - before <= 11


async def test_doubt_should_shorten_the_wait_for_the_next_try(server: Apiserver) -> None:
    async with linked(server) as kept:
        server.script("/version", BROKEN)
        await kept.becomes(DOWN)
        await asyncio.sleep(120)
        server.script("/version", VERSION)
        started = clock.elapsed()
        kept.link.doubt()
        await kept.becomes(UP)

        assert clock.elapsed() - started <= 1


async def test_a_question_should_wait_two_seconds_for_a_connection_and_then_say_why_there_is_none() -> None:
    link = Link("c1", "dev", UID, never, lambda link: None)
    started = clock.elapsed()

    with pytest.raises(Unreachable, match="`dev` does not answer now"):
        await link.connected()

    assert clock.elapsed() - started == pytest.approx(2)


async def test_a_cluster_that_cannot_even_be_looked_for_should_show_as_unreachable() -> None:
    """The Docker engine may hang, and a kubeconfig's own program, too."""
    link = Link("c1", "dev", UID, never, lambda link: None)
    async with Supervisor() as supervisor:
        supervisor.start("link", link.keep)
        await asyncio.sleep(31)

        assert link.state.status is DOWN


async def test_credentials_that_do_not_decrypt_should_show_as_unauthorized() -> None:
    async def load() -> Loaded:
        raise VaultError("A stored secret does not open.")

    link = Link("c1", "dev", UID, load, lambda link: None)
    async with Supervisor() as supervisor:
        supervisor.start("link", link.keep)
        await asyncio.sleep(0.1)

        assert (link.state.status, link.state.message) == (REFUSED, "A stored secret does not open.")


async def test_whoever_waits_for_a_link_should_hear_that_it_was_given_up() -> None:
    """Symptom: after `updateCluster` a log follower waited for ever for the link that had been replaced."""
    link = Link("c1", "dev", UID, never, lambda link: None)
    waiting = asyncio.create_task(link.wait_until_connected())
    await asyncio.sleep(100)
    assert not waiting.done()

    link.give_up()

    with pytest.raises(Unreachable):
        await waiting
    with pytest.raises(Unreachable):
        await link.wait_until_connected()


async def never() -> Loaded:
    await asyncio.Event().wait()
    raise AssertionError
