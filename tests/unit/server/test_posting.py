"""Bodies: JSON and nothing else, of a bounded size, and what is told of one that is neither."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from nexus_gql.server.posting import MAX_BODY

from .toy import World, application, post, serving


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/graphql", "x/json"],
)
async def test_a_body_that_is_not_said_to_be_json_should_be_refused(content_type: str | None) -> None:
    world = World()
    headers = {} if content_type is None else {"content-type": content_type}
    async with serving(world) as url, httpx.AsyncClient() as client:
        response = await client.post(f"{url}/graphql", content=b'{"query": "{ me }"}', headers=headers)
    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (415, "BAD_REQUEST")
    assert "application/json" in error["message"]
    assert world.contexts == []


async def test_a_character_set_beside_json_should_do_no_harm() -> None:
    async with serving(World()) as url:
        response = await post(url, "{ me }", headers={"content-type": "Application/JSON; charset=utf-8"})
    assert response.json() == {"data": {"me": "local"}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'[{"query": "{ me }"}]', id="a batch"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="no document"),
        pytest.param(b'{"query": 1}', id="a document that is a number"),
        pytest.param(b'{"query": "{ me }", "variables": "{}"}', id="variables that are text"),
        pytest.param(b'{"query": "{ me }", "operationName": 1}', id="a name that is a number"),
        pytest.param(b'{"query": "\xff"}', id="no UTF-8"),
        pytest.param(b'{"query": "\\ud800"}', id="half a character"),
        pytest.param(b"[" * 100_000, id="nested too deeply"),
    ],
)
async def test_a_malformed_body_should_be_told_what_is_wrong(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(World()) as url, httpx.AsyncClient() as client:
        response = await client.post(f"{url}/graphql", content=body, headers={"content-type": "application/json"})
    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]) == (400, {"code": "BAD_REQUEST"})
    assert "This is not a message as the protocol has it" in error["message"]
    assert caplog.records == []


def body_of(size: int) -> bytes:
    body = json.dumps({"query": "{ me }", "variables": {"padding": ""}}).encode()
    return body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')


async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 65536):
        yield body[start : start + 65536]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 200), (MAX_BODY + 1, 413), (2 * MAX_BODY, 413)])
async def test_a_body_should_be_as_large_as_it_may_and_no_larger(size: int, status: int, chunked: bool) -> None:
    body = body_of(size)
    assert len(body) == size
    async with serving(World()) as url, httpx.AsyncClient() as client:
        response = await client.post(
            f"{url}/graphql",
            content=in_chunks(body) if chunked else body,
            headers={"content-type": "application/json"},
        )
    assert response.status_code == status
    if status == 413:
        assert response.json()["errors"][0]["message"] == "A body has at most 4 MB."


async def test_a_body_without_end_should_be_cut_off() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * MAX_BODY

    transport = httpx.ASGITransport(application(World()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        headers = {"content-type": "application/json"}
        response = await client.post("/graphql", content=endless(), headers=headers)
        announced = await client.post(
            "/graphql", content=b"{", headers={**headers, "content-length": str(100 * MAX_BODY)}
        )
    assert (response.status_code, sent) == (413, 5)
    assert announced.status_code == 413


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_another_method_should_be_told_how_to_ask(method: str) -> None:
    async with serving(World()) as url, httpx.AsyncClient() as client:
        response = await client.request(method, f"{url}/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
