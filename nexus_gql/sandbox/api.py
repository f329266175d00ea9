"""The API server: an ASGI application over the store."""

import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Protocol

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nexus_gql.sandbox import discovery, patch, reading, refusals, requests, scaling, tables
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.logs import Asked
from nexus_gql.sandbox.refusals import Object, Refusal, bad_request
from nexus_gql.sandbox.requests import Target
from nexus_gql.sandbox.store import Row, Store
from nexus_gql.sandbox.streaming import stream
from nexus_gql.sandbox.watching import Watches
from nexus_gql.sandbox.writing import Writing, deletion_options

_OPEN = frozenset({"/healthz", "/livez", "/readyz", "/version"})
_BODIES = frozenset({"application/json", "application/yaml", "", "text/json"})
_PATCHES = frozenset({patch.JSON, patch.MERGE, patch.STRATEGIC, patch.APPLY})
_LIMIT = 3 * 1024 * 1024
"""The apiserver's own limit for a body."""
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_encode = msgspec.json.Encoder().encode


class Nodes(Protocol):
    """What the API asks of the nodes."""

    def pod_log(self, namespace: str, pod: str, container: str | None, asked: Asked) -> AsyncIterator[bytes]:
        """A container's log; a Refusal, at once, where there is none."""

    def pod_metrics(self, namespace: str | None = None) -> list[Object]:
        """What the pods use."""

    def node_metrics(self) -> list[Object]:
        """What the nodes use."""


class Api:
    """Answers requests. `token`: the bearer token that a request must carry; None for none."""

    def __init__(self, store: Store, nodes: Nodes, *, token: str | None = None) -> None:
        self.watches = Watches(store)
        self._store = store
        self._nodes = nodes
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        scope = self._admitted(scope)
        request = Request(scope, receive)
        try:
            response = await self._answer(request, send)
        except Refusal as refusal:
            response = _json(refusal.status(), refusal.code, request)
        except ClientDisconnect:
            return
        if response is not None:
            await response(scope, receive, send)

    def _admitted(self, scope: Scope) -> Scope:
        """A request below `/<token>` has shown the token: kubectl sends no other credentials where there is no TLS."""
        head, _, rest = scope["path"][1:].partition("/")
        if self._token is None or not hmac.compare_digest(head.encode(), self._token.encode()):
            return scope
        headers = [*scope["headers"], (b"authorization", f"Bearer {self._token}".encode())]
        return {**scope, "path": f"/{rest}", "headers": headers}

    async def _answer(self, request: Request, send: Send) -> Response | None:
        """The answer, or None where it was sent piece by piece."""
        path = request.scope["path"]
        self._authenticate(request)
        if path in {"/healthz", "/livez", "/readyz"}:
            return Response("ok", media_type="text/plain")
        if path == _REVIEW and request.method == "POST":
            return _json(_allowed(await _body(request)), 201, request)
        if (found := discovery.answer(path)) is not None:
            return _json(found, 200, request) if request.method == "GET" else _refuse_method()
        if not path.startswith(("/api/", "/apis/")):
            return Response("404 page not found\n", 404, media_type="text/plain")
        _acceptable(request)
        target = requests.target(path)
        return await self._resource(request, target, send)

    def _authenticate(self, request: Request) -> None:
        if self._token is None or request.scope["path"] in _OPEN:
            return
        wanted = f"Bearer {self._token}".encode()
        given = request.headers.getlist("authorization")
        if not any(hmac.compare_digest(one.encode(), wanted) for one in given):
            raise refusals.unauthorized()

    async def _resource(self, request: Request, target: Target, send: Send) -> Response | None:
        if target.kind.group == "metrics.k8s.io":
            return self._metrics(request, target)
        if target.subresource is not None:
            return await self._part(request, target, send)
        method = request.method
        if target.name is None:
            if method == "GET":
                return await self._list(request, target, send)
            if method == "POST" and (target.namespace is not None or not target.kind.namespaced):
                return await self._create(request, target)
            if method == "DELETE" and "deletecollection" in target.kind.verbs:
                return await self._delete_all(request, target)
            raise refusals.wrong_method()
        if method == "GET":
            return self._get(request, target)
        return await self._write(request, target)

    # ── reading ──

    def _get(self, request: Request, target: Target) -> Response:
        row = self._row(target)
        if _as_table(request):
            return self._table(request, target.kind, [row], str(self._store.version))
        return _raw(row.json, 200, request)

    def _row(self, target: Target) -> Row:
        row = self._store.row(target.kind.name, target.namespace, target.name or "")
        if row is None:
            raise refusals.not_found(target.kind, target.name or "")
        return row

    async def _list(self, request: Request, target: Target, send: Send) -> Response | None:
        asked = requests.listing(request.query_params)
        if asked.watch:
            reading.selection(target.kind, asked)
            lines = self.watches.watch(target.kind, target.namespace, asked)
            if _as_table(request):
                lines = self._table_lines(request, target.kind, lines)
            await stream(request, send, lines, "application/json")
            return None
        page = reading.page(self._store, target.kind, target.namespace, asked)
        if _as_table(request):
            return self._table(request, target.kind, page.rows, str(page.version), token=page.token)
        return _raw(reading.json_list(target.kind, page), 200, request)

    def _table(self, request: Request, kind: Kind, rows: list[Row], version: str, *, token: str = "") -> Response:
        whole = request.query_params.get("includeObject") == "Object"
        objects = [row.object for row in rows]
        found = tables.table(kind, objects, version, self._store.clock.now(), whole=whole)
        if token:
            found["metadata"]["continue"] = token
        return _json(found, 200, request)

    async def _table_lines(self, request: Request, kind: Kind, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """A watch whose objects come as tables of one row."""
        whole = request.query_params.get("includeObject") == "Object"
        async for piece in lines:
            for text in piece.splitlines():
                event = msgspec.json.decode(text)
                if event["type"] not in {"ERROR", "BOOKMARK"}:
                    obj = event["object"]
                    version = obj["metadata"]["resourceVersion"]
                    event["object"] = tables.table(kind, [obj], version, self._store.clock.now(), whole=whole)
                yield _encode(event) + b"\n"

    # ── writing ──

    async def _create(self, request: Request, target: Target) -> Response:
        _readable(request)
        writing = Writing(self._store, target, _how(request, "CreateOptions"))
        obj = writing.create(await _body(request))
        return _json(obj, 201, request, writing.warnings)

    async def _write(self, request: Request, target: Target) -> Response:
        """Update, patch or delete of one object, or of its status."""
        method = request.method
        if method == "PUT":
            _readable(request)
            writing = Writing(self._store, target, _how(request, "UpdateOptions"))
            return _json(writing.replace(await _body(request)), 200, request, writing.warnings)
        if method == "PATCH":
            return await self._patch(request, target)
        if method == "DELETE" and target.subresource is None:
            writing = Writing(self._store, target, _how(request, "DeleteOptions"))
            return _json(writing.delete(await _body(request), request.query_params), 200, request)
        raise refusals.wrong_method()

    async def _patch(self, request: Request, target: Target) -> Response:
        content_type = _patch_type(request)
        if content_type == patch.APPLY:
            requests.needs_manager(request.query_params)
        writing = Writing(self._store, target, _how(request, "PatchOptions"))
        body = await _body(request)
        if content_type == patch.APPLY:
            obj, is_new = writing.apply(body)
            return _json(obj, 201 if is_new else 200, request, writing.warnings)
        return _json(writing.patch(body, content_type), 200, request, writing.warnings)

    async def _delete_all(self, request: Request, target: Target) -> Response:
        body = await _body(request)
        deletion_options(body, request.query_params)
        page = reading.page(self._store, target.kind, target.namespace, requests.listing(request.query_params))
        writing = Writing(self._store, target, _how(request, "DeleteOptions"))
        writing.delete_all([row.object for row in page.rows], body, request.query_params)
        return _raw(reading.json_list(target.kind, page), 200, request)

    # ── subresources ──

    async def _part(self, request: Request, target: Target, send: Send) -> Response | None:
        part, kind = target.subresource, target.kind
        if kind.name == "Pod" and part == "log":
            if request.method != "GET":
                raise refusals.wrong_method()
            await stream(request, send, self._log(request, target), "text/plain")
            return None
        if part not in kind.subresources:
            raise refusals.unknown_path()
        if part == "scale":
            return await self._scale(request, target)
        return self._get(request, target) if request.method == "GET" else await self._write(request, target)

    def _log(self, request: Request, target: Target) -> AsyncIterator[bytes]:
        query = request.query_params
        tail = _count(query.get("tailLines"))
        if tail is not None and tail < 0:
            words = f"Invalid value: {tail}: must be greater than or equal to 0"
            options = Kind("", "v1", "PodLogOptions", "", True)
            raise refusals.invalid(
                options, target.name or "", [refusals.Cause("FieldValueInvalid", "tailLines", words)]
            )
        asked = Asked(
            follow=requests.truth(query.get("follow")),
            tail=tail,
            since=self._since(query),
            previous=requests.truth(query.get("previous")),
            timestamps=requests.truth(query.get("timestamps")),
            limit_bytes=_count(query.get("limitBytes")),
        )
        return self._nodes.pod_log(target.namespace or "", target.name or "", query.get("container"), asked)

    def _since(self, query: QueryParams) -> float | None:
        if time := query.get("sinceTime"):
            return _instant(time).timestamp()
        seconds = _count(query.get("sinceSeconds"))
        return None if seconds is None else self._store.clock.now().timestamp() - seconds

    async def _scale(self, request: Request, target: Target) -> Response:
        live = self._row(target).object
        method = request.method
        if method == "GET":
            return _json(scaling.scale(live), 200, request)
        if method not in {"PUT", "PATCH"}:
            raise refusals.wrong_method()
        how = _how(request, "UpdateOptions" if method == "PUT" else "PatchOptions")
        body = await _body(request)
        wanted = _object(body) if method == "PUT" else _scaled(scaling.scale(live), body, _patch_type(request))
        changed = scaling.rescaled(self._store, target.kind, live, wanted, how)
        return _json(scaling.scale(changed), 200, request)

    # ── metrics ──

    def _metrics(self, request: Request, target: Target) -> Response:
        if request.method != "GET":
            raise refusals.wrong_method()
        of_pods = target.kind.name == "PodMetrics"
        found = self._nodes.pod_metrics(target.namespace) if of_pods else self._nodes.node_metrics()
        if target.name is not None:
            named = [one for one in found if one["metadata"]["name"] == target.name]
            if not named:
                raise refusals.not_found(target.kind, target.name)
            return _json(named[0], 200, request)
        test = reading.selection(target.kind, requests.listing(request.query_params))
        kind, typed = target.kind, {"kind", "apiVersion"}  # which a list's items do not say again
        chosen = [one for one in found if test is None or test(one)]
        items = [{field: value for field, value in one.items() if field not in typed} for one in chosen]
        body = {"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": {}, "items": items}
        return _json(body, 200, request)


# ── requests ──


async def _body(request: Request) -> bytes:
    body = await request.body()
    if len(body) > _LIMIT:
        raise Refusal(413, "RequestEntityTooLarge", f"Request entity too large: limit is {_LIMIT}")
    return body


def _how(request: Request, options: str) -> requests.Write:
    return requests.write(request.query_params, request.headers.get("user-agent", ""), options)


def _media(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip()


def _readable(request: Request) -> None:
    if _media(request) not in _BODIES:
        known = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
        text = f"the body of the request was in an unknown format - accepted media types include: {known}"
        raise Refusal(415, "UnsupportedMediaType", text)


def _patch_type(request: Request) -> str:
    found = _media(request)
    if found not in _PATCHES:
        raise Refusal(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    return found


def _acceptable(request: Request) -> None:
    accept = request.headers.get("accept", "")
    kinds = {part.partition(";")[0].strip() for part in accept.split(",")}
    if accept and not kinds & {"application/json", "*/*", "application/*", "application/yaml", "text/plain"}:
        forms = ("application/json", "application/yaml", "application/json;stream=watch")
        text = f"406: Not Acceptable\n\nAvailable representations: {', '.join(forms)}"
        raise Refusal(406, "NotAcceptable", text, {})


def _as_table(request: Request) -> bool:
    first = request.headers.get("accept", "").partition(",")[0]
    return "as=Table" in first and "v=v1;" in f"{first};"


def _count(text: str | None) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse') from None


def _object(body: bytes) -> Object:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise bad_request(f"error converting JSON: {error}") from None
    if not isinstance(found, dict):
        raise bad_request("the object provided is unrecognized")
    return found


def _scaled(scale: Object, body: bytes, content_type: str) -> Object:
    document: Any = json.loads(body) if content_type == patch.JSON else _object(body)
    found = patch.json_patch(scale, document) if content_type == patch.JSON else patch.merge_patch(scale, document)
    return found if isinstance(found, dict) else scale


def _allowed(body: bytes) -> Object:
    """Whoever has the token may do everything."""
    return {**_object(body), "status": {"allowed": True}}


# ── answers ──


def _refuse_method() -> Response:
    raise refusals.wrong_method()


def _json(body: Object, code: int, request: Request, warnings: list[str] | None = None) -> Response:
    return _raw(_encode(body), code, request, warnings)


def _raw(body: bytes, code: int, request: Request, warnings: list[str] | None = None) -> Response:
    media = "application/json"
    if request.headers.get("accept", "").strip() == "application/yaml":
        import yaml

        body, media = yaml.safe_dump(json.loads(body), sort_keys=False).encode(), "application/yaml"
    response = Response(body, code, media_type=media)
    for warning in warnings or ():
        response.headers.append("Warning", "299 - " + json.dumps(warning))
    return response
