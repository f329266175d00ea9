"""/graphql over HTTP: operations by POST, answered as JSON or as server-sent events; the page for whoever asks for HTML.

Operations by GET are refused: a link or an image on a foreign page could ask them, and no client of ours needs them.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.types.graphql import OperationType

from nexus_gql.access import Viewer
from nexus_gql.problems import BadRequest

from . import errors, graphiql
from .cohorts import Wanted
from .connection import PROTOCOL
from .endpoint import Endpoint
from .frames import Frame
from .mailbox import Mailbox
from .messages import Answer, Operation, decode_body, encode
from .metrics import Protocol
from .operations import Rejected
from .streaming import EventStream

MAX_BODY = 4 * 1024 * 1024
# A client that is cut off in the middle of its body sees a broken connection, not the answer; so somewhat more is read and dropped.
_MAX_DROPPED = 4 * MAX_BODY

_EVENTS = "text/event-stream"
_JSON = ("application/json", "application/graphql-response+json", "application/*", "*/*")
_HOW = f"Send operations by POST as application/json. A subscription goes by WebSocket ({PROTOCOL}) or with `Accept: {_EVENTS}`."


class Graphql:
    """The ASGI application behind /graphql."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        if request.method == "POST":
            response = await self._post(request)
        elif request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
            response = graphiql.page(graphiql.BUILT)
        else:
            response = PlainTextResponse(_HOW, 405, {"allow": "POST"})
        await response(scope, receive, send)

    async def _post(self, request: Request) -> ASGIApp:
        if _media_type(request.headers.get("content-type", "")) != "application/json":
            raise errors.Unfit(415, "A body is JSON: send `Content-Type: application/json`.")
        authorization = request.headers.get("authorization")
        viewer = await self._endpoint.authenticate(authorization)
        operation = decode_body(await _body(request))
        accepted = {_media_type(part) for part in request.headers.get("accept", "*/*").split(",")}
        protocol = Protocol.HTTP if accepted.intersection(_JSON) or _EVENTS not in accepted else Protocol.SSE
        try:
            wanted = self._wanted(operation, protocol, accepted)
        except Rejected as rejected:
            if protocol is Protocol.HTTP:
                return _json({"errors": rejected.errors})
            results = _nothing_but(rejected)
        else:
            if wanted.kind is not OperationType.SUBSCRIPTION and protocol is Protocol.HTTP:
                return await _only(self._alone(wanted, viewer, protocol))
            results = self._events(wanted, viewer)
        return EventStream(results, sessions=self._endpoint.sessions, authorization=authorization, viewer=viewer)

    def _wanted(self, operation: Operation, protocol: Protocol, accepted: set[str]) -> Wanted:
        wanted = self._endpoint.operations.wanted(operation, protocol)
        if wanted.kind is OperationType.SUBSCRIPTION and _EVENTS not in accepted:
            raise self._endpoint.operations.rejected([errors.answer(BadRequest(_HOW))], protocol)
        return wanted

    async def _events(self, wanted: Wanted, viewer: Viewer) -> AsyncGenerator[Answer | Frame, None]:
        mailbox = Mailbox()
        place = self._endpoint.operations.join(wanted, viewer, mailbox, Protocol.SSE)
        results = self._alone(wanted, viewer, Protocol.SSE) if place is None else mailbox.frames()
        try:
            async with aclosing(results):
                async for result in results:
                    yield result
        finally:
            if place is not None:
                place.cancel()

    def _alone(self, wanted: Wanted, viewer: Viewer, protocol: Protocol) -> AsyncGenerator[Answer, None]:
        return self._endpoint.operations.run(wanted, context=self._endpoint.context(viewer), protocol=protocol)


async def _only(results: AsyncGenerator[Answer, None]) -> Response:
    """The result of a query or mutation."""
    try:
        answers = [answer async for answer in results]
    except Rejected as rejected:
        return _json({"errors": rejected.errors})
    return _json(answers[0])


async def _nothing_but(rejected: Rejected) -> AsyncGenerator[Answer | Frame, None]:
    raise rejected
    yield  # type: ignore[unreachable]  # makes it a generator


def _json(value: Answer | dict[str, list[errors.ErrorAnswer]]) -> Response:
    # 200 whatever is in it, as GraphQL over HTTP wants for this media type: clients do not read the body of anything else.
    return Response(encode(value), media_type="application/json")


async def _body(request: Request) -> bytes:
    too_large = errors.Unfit(413, f"A body has at most {MAX_BODY // 1024 // 1024} MB.")
    if int(request.headers.get("content-length", "0")) > _MAX_DROPPED:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MAX_DROPPED:
            raise too_large
        if size <= MAX_BODY:
            chunks.append(chunk)
    if size > MAX_BODY:
        raise too_large
    return b"".join(chunks)


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()
