"""Queries, mutations and subscriptions say the same over every transport."""

import json
from typing import Any

import httpx
import pytest
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.websockets import WebsocketsTransport

from .toy import World, post, serving, socket

EVENTS = {"accept": "text/event-stream"}


def events(text: str) -> list[tuple[str, Any]]:
    """Name and data of each event, comments aside."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(":", 1) for line in block.splitlines() if not line.startswith(":"))
        found.append((lines["event"].strip(), json.loads(lines["data"]) if lines["data"].strip() else None))
    return found


CASES = [
    pytest.param("{ me double(number: 2) }", [{"me": "local", "double": 4}], id="query"),
    pytest.param('mutation { say(text: "hi") }', [{"say": "hi"}], id="mutation"),
    pytest.param("subscription { count(to: 3) }", [{"count": 0}, {"count": 1}, {"count": 2}], id="subscription"),
]


@pytest.mark.parametrize(("query", "results"), CASES)
async def test_a_websocket_should_carry_every_kind_of_operation(query: str, results: list[Any]) -> None:
    async with serving(World()) as url, socket(url, init={}) as client:
        messages = await client.results(query)
    assert messages == [
        *({"id": "1", "type": "next", "payload": {"data": data}} for data in results),
        {"id": "1", "type": "complete"},
    ]


@pytest.mark.parametrize(("query", "results"), CASES)
async def test_an_event_stream_should_carry_every_kind_of_operation(query: str, results: list[Any]) -> None:
    async with serving(World()) as url:
        response = await post(url, query, headers=EVENTS)
    assert response.headers["content-type"] == "text/event-stream"
    assert events(response.text) == [*(("next", {"data": data}) for data in results), ("complete", None)]


@pytest.mark.parametrize(("query", "results"), CASES[:2])
async def test_a_post_should_answer_queries_and_mutations(query: str, results: list[Any]) -> None:
    async with serving(World()) as url:
        response = await post(url, query)
    assert (response.status_code, response.json()) == (200, {"data": results[0]})


async def test_a_client_that_takes_json_or_events_should_get_json_for_a_query_and_events_for_a_subscription() -> None:
    both = {"accept": "application/graphql-response+json, application/json, text/event-stream"}
    async with serving(World()) as url:
        query = await post(url, "{ me }", headers=both)
        subscription = await post(url, "subscription { count(to: 1) }", headers=both)
    assert query.json() == {"data": {"me": "local"}}
    assert events(subscription.text) == [("next", {"data": {"count": 0}}), ("complete", None)]


async def test_the_usual_python_client_should_understand_the_answers() -> None:
    async with serving(World()) as url:
        async with Client(transport=AIOHTTPTransport(f"{url}/graphql")) as session:
            assert await session.execute(gql("{ me }")) == {"me": "local"}
        transport = WebsocketsTransport(f"{url.replace('http', 'ws')}/graphql")
        async with Client(transport=transport) as session:
            counted = [result async for result in session.subscribe(gql("subscription { count(to: 2) }"))]
    assert counted == [{"count": 0}, {"count": 1}]


async def test_a_subscription_by_plain_post_should_be_told_how_to_subscribe() -> None:
    async with serving(World()) as url:
        (error,) = (await post(url, "subscription { count(to: 1) }")).json()["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert "graphql-transport-ws" in error["message"]
    assert "text/event-stream" in error["message"]


@pytest.mark.parametrize("query", ["{ me }", 'mutation { say(text: "hi") }', "subscription { count(to: 1) }"])
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_no_operation_should_be_run_by_get(query: str, accept: str) -> None:
    world = World()
    async with serving(world) as url, httpx.AsyncClient() as client:
        response = await client.get(f"{url}/graphql", params={"query": query}, headers={"accept": accept})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert world.contexts == []


async def test_one_of_several_operations_should_be_chosen_by_name() -> None:
    document = 'query a { me } mutation b { say(text: "b") } subscription c { count(to: 1) }'
    async with serving(World()) as url:
        chosen = await post(url, document, operationName="b")
        unknown = await post(url, document, operationName="d")
        unsaid = await post(url, document)
    assert chosen.json() == {"data": {"say": "b"}}
    assert unknown.json()["errors"][0]["message"] == "The document has no operation named 'd'."
    assert "operationName" in unsaid.json()["errors"][0]["message"]


async def test_the_context_should_be_made_once_for_a_request_and_once_for_a_websocket() -> None:
    world = World()
    async with serving(world) as url:
        await post(url, "{ a: me b: me }")
        assert len(world.contexts) == 1
        async with socket(url, init={}) as client:
            await client.results("{ me }")
            await client.results("subscription { count(to: 3) }")
    assert len(world.contexts) == 2


async def test_variables_should_be_read_and_errors_in_them_told() -> None:
    query = "query ($n: Int!) { double(number: $n) }"
    async with serving(World()) as url, socket(url, init={}) as client:
        right = await post(url, query, variables={"n": 4})
        wrong = await post(url, query, variables={"n": "four"})
        over_socket = await client.results(query, variables={"n": "four"})
        stream = await post(url, query, headers=EVENTS, variables={"n": "four"})
    assert right.json() == {"data": {"double": 8}}
    (error,) = wrong.json()["errors"]
    assert "data" not in wrong.json()
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert "$n" in error["message"]
    assert over_socket == [{"id": "1", "type": "error", "payload": [error]}]
    assert events(stream.text) == [("next", {"errors": [error]}), ("complete", None)]
