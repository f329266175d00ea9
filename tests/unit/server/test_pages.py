"""What is not GraphQL: GraphiQL and its assets, the probes, the metrics, the headers on all of them."""

import re
from pathlib import Path

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from nexus_gql.problems import Unreachable
from nexus_gql.server import graphiql
from nexus_gql.server.metrics import Metrics

from .toy import World, post, serving, socket, until

HTML = {"accept": "text/html,application/xhtml+xml"}


def pages(folder: Path) -> httpx.AsyncClient:
    """GraphiQL alone, built in a folder or not."""

    async def page(_: Request) -> Response:
        return graphiql.page(folder)

    app = Starlette(routes=[Route("/graphiql", page), Mount("/assets", graphiql.Assets(folder))])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


def built(folder: Path) -> Path:
    (folder / "assets").mkdir()
    (folder / "graphiql.html").write_text('<script src="./assets/graphiql-1.js"></script>')
    (folder / "assets" / "graphiql-1.js").write_text("export {}")
    (folder / "secret").write_text("not for the browser")
    return folder


async def test_the_page_should_be_looked_at_anew_and_its_assets_be_kept(tmp_path: Path) -> None:
    async with pages(built(tmp_path)) as client:
        page = await client.get("/graphiql")
        (asset,) = re.findall(r'src="\./(.*?)"', page.text)
        script = await client.get(f"/{asset}")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-cache"
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]


@pytest.mark.parametrize("path", ["/graphiql", "/assets/graphiql-1.js"])
async def test_a_page_that_is_not_built_should_say_how_to_build_it(tmp_path: Path, path: str) -> None:
    async with pages(tmp_path) as client:
        response = await client.get(path)
    assert (response.status_code, response.text) == (503, "The GraphiQL page is not built: run scripts/web.")


@pytest.mark.parametrize("path", ["/assets/none.js", "/assets/", "/assets/../secret", "/assets/%2e%2e/secret"])
async def test_nothing_but_assets_should_be_found_under_assets(tmp_path: Path, path: str) -> None:
    async with pages(built(tmp_path)) as client:
        assert (await client.get(path)).status_code == 404


async def test_the_root_should_lead_to_the_page_under_whatever_prefix() -> None:
    async with serving(World()) as url, httpx.AsyncClient() as client:
        response = await client.get(url)
    assert (response.status_code, response.headers["location"]) == (307, "graphiql")


async def test_the_endpoint_should_show_a_browser_the_page_and_tell_others_how_to_ask() -> None:
    async with serving(World()) as url, httpx.AsyncClient() as client:
        page = await client.get(f"{url}/graphiql", headers=HTML)
        there = await client.get(f"{url}/graphql", headers=HTML)
        told = await client.get(f"{url}/graphql")
    assert (there.status_code, there.text) == (page.status_code, page.text)
    assert told.status_code == 405


async def test_every_answer_should_bar_the_browser_from_what_it_does_not_need() -> None:
    async with serving(World()) as url, httpx.AsyncClient() as client:
        answers = [await client.get(url + path, headers=HTML) for path in ("/graphiql", "/", "/healthz", "/none")]
        answers.append(await client.get(url, headers={"host": "evil.example"}))
        answers.append(await post(url, "{ me }"))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"]) == (
            "nosniff",
            "no-referrer",
        )
        assert "server" not in answer.headers


async def test_healthz_should_answer_while_readyz_says_what_is_missing() -> None:
    world = World(missing=["The database is not migrated.", "No key."])
    async with serving(world) as url, httpx.AsyncClient() as client:
        alive = await client.get(f"{url}/healthz")
        unready = await client.get(f"{url}/readyz")
        world.missing = []
        ready = await client.get(f"{url}/readyz")
    assert (alive.status_code, ready.status_code) == (200, 200)
    assert (unready.status_code, unready.json()) == (503, ["The database is not migrated.", "No key."])


async def test_readyz_should_be_unavailable_when_it_cannot_tell() -> None:
    class Away(World):
        async def ready(self) -> list[str]:
            raise Unreachable("away")

    async with serving(Away()) as url, httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/readyz")).status_code == 503


async def test_metrics_should_count_operations_errors_and_what_is_open() -> None:
    world = World()
    with structlog.testing.capture_logs():
        async with serving(world, metrics={"nexus_watches": lambda: 7.0}) as url, httpx.AsyncClient() as client:
            await post(url, "{ me }")
            await post(url, "{ fault failure }")
            await post(url, "{ nothing }")
            await post(url, "subscription { count(to: 2) }", headers={"accept": "text/event-stream"})
            world.tokens = {}
            await post(url, "{ me }")
            world.tokens = World().tokens
            async with socket(url, init={}) as one:
                await one.subscribe("subscription { ever }")
                await one.read()
                await one.subscribe("{ slow }", "2")
                await until(lambda: world.entered)
                answer = await client.get(f"{url}/metrics")
            await until(lambda: world.subscriptions.open == 0)
            after = await client.get(f"{url}/metrics")
    lines = set(answer.text.splitlines())
    assert lines >= {
        'nexus_operations_total{outcome="ok",protocol="http"} 1.0',
        'nexus_operations_total{outcome="errors",protocol="http"} 1.0',
        'nexus_operations_total{outcome="rejected",protocol="http"} 1.0',
        'nexus_operations_total{outcome="ok",protocol="sse"} 1.0',
        'nexus_errors_total{code="INTERNAL"} 1.0',
        'nexus_errors_total{code="NOT_FOUND"} 1.0',
        'nexus_errors_total{code="BAD_REQUEST"} 1.0',
        'nexus_errors_total{code="UNAUTHENTICATED"} 1.0',
        "nexus_subscriptions_open 1.0",
        "nexus_watches 7.0",
    }
    assert answer.headers["content-type"].startswith("text/plain")
    assert "nexus_subscriptions_open 0.0" in after.text
    assert 'nexus_operations_total{outcome="left",protocol="websocket"} 1.0' in after.text


def test_a_code_that_is_none_of_ours_should_make_no_label_of_its_own() -> None:
    metrics = Metrics({})
    metrics.failed("SOMETHING_ELSE")
    assert b'nexus_errors_total{code="INTERNAL"} 1.0' in metrics.text()
    assert b"SOMETHING_ELSE" not in metrics.text()
