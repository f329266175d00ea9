"""From an exception to what a client is told: one function, whatever the transport.

A `Failure` says what it says. What the client got wrong in the document or its variables is told in graphql-core's words. Anything
else is a fault of ours: its text stays in the log, under an id that the answer has too.
"""

import re
import secrets
from collections.abc import Sequence
from typing import NotRequired, TypedDict

import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from starlette.responses import JSONResponse, Response
from strawberry.exceptions import StrawberryInputCoercionError

from nexus_gql.database.errors import is_unavailable
from nexus_gql.problems import BadRequest, Failure, TooExpensive, Unreachable

log = structlog.get_logger(__name__)


_STATUS = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "BAD_REQUEST": 400,
    "TOO_EXPENSIVE": 400,
    "TOO_MANY": 429,
    "UNREACHABLE": 503,
}


# Strawberry raises the second for a @oneOf input in a variable, without a node or a path.
_REQUESTS = (GraphQLSyntaxError, StrawberryInputCoercionError)
_QUOTED = re.compile(r"(?:(cannot represent[^:]*):|[,;] found:|([?.]) Found:) .*\Z", re.DOTALL)


class Unfit(BadRequest):
    """A request that HTTP has a status of its own for."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Location(TypedDict):
    """A place in the document."""

    line: int
    column: int


class Extensions(TypedDict):
    """What a program reads of an error."""

    code: str
    id: NotRequired[str]


class ErrorAnswer(TypedDict):
    """An error in the shape of GraphQL's responses."""

    message: str
    locations: NotRequired[list[Location]]
    path: NotRequired[list[str | int]]
    extensions: Extensions


def answer(error: Exception, *, before: bool = False) -> ErrorAnswer:
    """What to tell of an exception. `before`: it kept the operation from being executed at all."""
    chain = _chain(error)
    cause = chain[-1]
    if isinstance(cause, Failure):
        told = _told(str(cause), cause.code)
    elif _is_requests_fault(chain, before=before):
        code = TooExpensive.code if _is_too_long(cause) else BadRequest.code
        told = _told(_without_values(chain[0].message if isinstance(chain[0], GraphQLError) else str(cause)), code)
    elif is_unavailable(cause):
        log.warning("An operation failed because the database does not answer", error=repr(cause))
        told = _told("The database does not answer now; try again.", Unreachable.code)
    else:
        told = _masked(cause)
    return _located(told, error)


def answers(errors: Sequence[GraphQLError], *, before: bool = False) -> list[ErrorAnswer]:
    """What to tell of one result's errors. A thousand items that fail in the same way are logged once, under one id."""
    seen: dict[tuple[type, str], ErrorAnswer] = {}
    told = []
    for error in errors:
        cause = _chain(error)[-1]
        key = (type(cause), str(cause))
        if key not in seen:
            seen[key] = answer(error, before=before)
        told.append(_located({"message": seen[key]["message"], "extensions": seen[key]["extensions"]}, error))
    return told


def response(error: Exception) -> tuple[Response, ErrorAnswer]:
    """The answer to a request that did not get as far as the schema, and what it tells."""
    told = answer(error)
    code = told["extensions"]["code"]
    status = error.status if isinstance(error, Unfit) else _STATUS.get(code, 500)
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"errors": [told]}, status, headers), told


def _chain(error: Exception) -> list[Exception]:
    """The error and the errors it was made from, outermost first."""
    chain = [error]
    while isinstance(chain[-1], GraphQLError) and chain[-1].original_error is not None:
        chain.append(chain[-1].original_error)
    return chain


def _is_requests_fault(chain: Sequence[Exception], *, before: bool) -> bool:
    """Whether graphql-core complains of the document or the variables.

    It makes such errors of nodes and gives them no path, whereas what a resolver raises, and what a scalar cannot serialise, gets
    nodes and path together when it is caught.
    """
    graphql = [error for error in chain if isinstance(error, GraphQLError)]
    if any(isinstance(error, _REQUESTS) or (error.nodes and error.path is None) for error in graphql):
        return True
    return before and len(graphql) == len(chain)


def _without_values(message: str) -> str:
    """graphql-core's complaint without the value that it quotes at its end: there may be a secret in it."""
    return _QUOTED.sub(lambda quoted: (quoted[1] or "") + (quoted[2] or "."), message)


def _is_too_long(error: Exception) -> bool:
    # More tokens than allowed, or nested too deeply: graphql-core has no type of its own for either.
    return isinstance(error, GraphQLSyntaxError) and error.message.endswith("Parsing aborted.")


def _masked(cause: Exception) -> ErrorAnswer:
    error_id = secrets.token_hex(6)
    log.error("An operation failed through a fault of ours", id=error_id, exc_info=cause)
    message = f"Something went wrong on our side. Quote id {error_id}."
    return {"message": message, "extensions": {"code": Failure.code, "id": error_id}}


def _told(message: str, code: str) -> ErrorAnswer:
    return {"message": message, "extensions": {"code": code}}


def _located(told: ErrorAnswer, error: Exception) -> ErrorAnswer:
    if isinstance(error, GraphQLError):
        if error.locations:
            told["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
        if error.path:
            told["path"] = list(error.path)
    return told
