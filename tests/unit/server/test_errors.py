"""What a client is told of an exception, and what stays in the log."""

import asyncio
from typing import Any

import httpx
import pytest
import structlog
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tortoise.exceptions import DBConnectionError

from nexus_gql.problems import Failure, NotFound, TooMany
from nexus_gql.server import errors
from nexus_gql.server.masking import Masking
from nexus_gql.server.metrics import Metrics

from .toy import SECRET, World, post, serving, socket

EVENTS = {"accept": "text/event-stream"}


async def over_http(url: str, query: str) -> str:
    return (await post(url, query)).text


async def over_events(url: str, query: str) -> str:
    return (await post(url, query, headers=EVENTS)).text


async def over_socket(url: str, query: str) -> str:
    async with socket(url, init={}) as client:
        return str(await client.results(query)).replace("'", '"')


OPERATIONS = ["{ fault }", "mutation { fault }", "{ unserialisable }"]


@pytest.mark.parametrize(
    ("ask", "query"),
    [
        *((over_http, query) for query in OPERATIONS),
        *((over_events, query) for query in (*OPERATIONS, "subscription { fault }")),
        *((over_socket, query) for query in (*OPERATIONS, "subscription { fault }")),
    ],
)
async def test_a_fault_of_ours_should_be_told_by_an_id_that_the_log_has_and_nothing_else(
    ask: Any, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as logged:
        async with serving(World()) as url:
            text = await ask(url, query)
    (line,) = logged
    assert SECRET in str(line["exc_info"])
    assert f"Something went wrong on our side. Quote id {line['id']}." in text
    assert "INTERNAL" in text
    assert SECRET not in text
    assert caplog.records == []


@pytest.mark.parametrize("ask", [over_http, over_events, over_socket])
@pytest.mark.parametrize(
    ("query", "message", "code"),
    [
        ("{ failure }", "There is no such thing.", "NOT_FOUND"),
        ("{ database }", "The database does not answer now; try again.", "UNREACHABLE"),
        ("{ nothing }", "Cannot query field", "BAD_REQUEST"),
        ("{", "Syntax Error", "BAD_REQUEST"),
    ],
)
async def test_what_a_client_can_act_on_should_be_told(ask: Any, query: str, message: str, code: str) -> None:
    with structlog.testing.capture_logs() as logged:
        async with serving(World()) as url:
            text = await ask(url, query)
    assert message in text
    assert code in text
    assert SECRET not in text
    assert [line["log_level"] for line in logged] == (["warning"] if code == "UNREACHABLE" else [])


@pytest.mark.parametrize("ask", [over_events, over_socket])
async def test_a_failure_in_the_midst_of_a_subscription_should_follow_what_was_sent(ask: Any) -> None:
    async with serving(World()) as url:
        text = await ask(url, "subscription { last: failure }")
    assert '"path":["last"]' in text.replace(" ", "")
    assert '"locations":[{"line":1,"column":16}]' in text.replace(" ", "")
    assert text.index("1") < text.index("There is no such thing.") < text.index("complete")
    assert "NOT_FOUND" in text


async def test_siblings_of_a_field_that_fails_should_stay() -> None:
    async with serving(World()) as url:
        answer = (await post(url, "{ me failure }")).json()
    assert answer["data"] == {"me": "local", "failure": None}
    (error,) = answer["errors"]
    assert error["path"] == ["failure"]
    assert error["locations"] == [{"line": 1, "column": 6}]


def test_equal_faults_of_one_result_should_be_logged_once_under_one_id() -> None:
    faults = [GraphQLError("x", path=["items", n], original_error=RuntimeError("same")) for n in range(1000)]
    other = GraphQLError("x", path=["other"], original_error=RuntimeError("other"))
    with structlog.testing.capture_logs() as logged:
        told = errors.answers([*faults, other])
    assert len(logged) == 2
    assert len({error["extensions"]["id"] for error in told}) == 2
    assert [error["path"] for error in told[:2]] == [["items", 0], ["items", 1]]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        pytest.param(NotFound("gone"), "NOT_FOUND", "gone", id="a failure"),
        pytest.param(TooMany("many"), "TOO_MANY", "many", id="another"),
        pytest.param(Failure("odd"), "INTERNAL", "odd", id="one of no kind"),
        pytest.param(GraphQLError("x", original_error=NotFound("gone")), "NOT_FOUND", "gone", id="a failure, wrapped"),
        pytest.param(
            GraphQLError("x", original_error=GraphQLError("y", original_error=NotFound("gone"))),
            "NOT_FOUND",
            "gone",
            id="a failure, wrapped twice",
        ),
        pytest.param(
            DBConnectionError(SECRET), "UNREACHABLE", "The database does not answer now; try again.", id="the database"
        ),
        pytest.param(
            TimeoutError(SECRET), "UNREACHABLE", "The database does not answer now; try again.", id="its silence"
        ),
    ],
)
def test_an_exception_should_be_told_by_its_kind(error: Exception, code: str, message: str) -> None:
    with structlog.testing.capture_logs():
        told = errors.answer(error)
    assert (told["extensions"]["code"], told["message"]) == (code, message)


@pytest.mark.parametrize(
    "error",
    [
        KeyError(SECRET),
        GraphQLError(SECRET),
        GraphQLError(SECRET, path=["a"], original_error=ValueError(SECRET)),
        GraphQLError(SECRET, path=["a"], original_error=GraphQLError(SECRET)),
        RecursionError(SECRET),
    ],
)
def test_whatever_else_should_be_masked(error: Exception) -> None:
    with structlog.testing.capture_logs() as logged:
        told = errors.answer(error)
    assert SECRET not in str(told)
    assert told["extensions"]["id"] == logged[0]["id"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound("gone"), 404), (TooMany("many"), 429), (errors.Unfit(415, "JSON"), 415), (KeyError("x"), 500)],
)
def test_a_request_that_does_not_reach_the_schema_should_have_the_status_of_its_error(
    error: Exception, status: int
) -> None:
    with structlog.testing.capture_logs():
        assert errors.response(error)[0].status_code == status


async def test_an_error_before_the_schema_should_have_the_same_shape(caplog: pytest.LogCaptureFixture) -> None:
    world = World(broken=RuntimeError(SECRET))
    with structlog.testing.capture_logs() as logged:
        async with serving(world) as url, socket(url) as client:
            response = await post(url, "{ me }")
            await client.send({"type": "connection_init"})
            code, reason = await client.closed()
    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (500, "INTERNAL")
    assert error["extensions"]["id"] == logged[0]["id"]
    assert code == 4500
    assert logged[1]["id"] in reason
    assert SECRET not in response.text + reason
    assert caplog.records == []


async def test_what_fails_in_the_midst_of_an_answer_should_only_be_logged() -> None:
    class Torn(Response):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            raise RuntimeError(SECRET)

    async def torn(_: Request) -> Response:
        return Torn()

    app = Starlette(routes=[Route("/", torn)], middleware=[Middleware(Masking, Metrics({}))])
    with structlog.testing.capture_logs() as logged:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            with pytest.raises(AssertionError):
                await client.get("/")
    assert len(logged) == 1


async def test_a_client_that_leaves_a_query_should_leave_no_trace_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    with structlog.testing.capture_logs() as logged:
        async with serving(world) as url:
            with pytest.raises(httpx.ReadTimeout):
                async with httpx.AsyncClient(timeout=httpx.Timeout(5, read=0.1)) as client:
                    await client.post(f"{url}/graphql", json={"query": "{ slow }"})
            world.released.set()
            await asyncio.sleep(0)
            assert (await post(url, "{ me }")).status_code == 200
    assert (logged, caplog.records) == ([], [])


async def test_a_client_that_leaves_in_the_midst_of_its_body_should_leave_none_either(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with structlog.testing.capture_logs() as logged:
        async with serving(World()) as url:
            host, port = url.removeprefix("http://").split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            head = (
                f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
            )
            writer.write(f"{head}\r\n{{".encode())
            await writer.drain()
            writer.transport.abort()
            assert (await post(url, "{ me }")).status_code == 200
    assert (logged, caplog.records) == ([], [])
