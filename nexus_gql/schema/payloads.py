"""What every mutation answers with: refusals as data, and what was done nevertheless."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import strawberry

from nexus_gql.paths import Path
from nexus_gql.problems import Problem, ProblemCode, Refused

P = TypeVar("P")

strawberry.enum(
    ProblemCode, name="ProblemCode", description="What kind of refusal it is, which is what a program decides by."
)


@strawberry.type(
    name="Problem",
    description="An expected refusal, as data. A mutation that answers with problems has changed nothing; its warnings are what "
    "was done nevertheless.",
)
class ProblemType:
    code: ProblemCode
    message: str = strawberry.field(description="What is wrong, for a person.")
    path: list[str] = strawberry.field(
        description='Where in the arguments: `["input", "settings", "env", "2", "name"]`.'
    )
    remedy: str | None = strawberry.field(description="What to do about it.")


@strawberry.type(description="A secret that was left out of a copy and is still to be set.")
class MissingSecret:
    path: Path = strawberry.field(description="The level that lacks it.")
    key: str = strawberry.field(description="The setting: `env.API_KEY`.")


def not_made() -> Any:
    """The field of a payload for what was made or changed; null where nothing was."""
    return strawberry.field(default=None)


def nothing_done() -> Any:
    """The field `problems` of a payload."""
    return strawberry.field(default_factory=list, description="Why nothing was done; empty where it was.")


def was_done() -> Any:
    """The field `warnings` of a payload."""
    return strawberry.field(default_factory=list, description="What was done nevertheless.")


def problems_of(problems: Iterable[Problem]) -> list[ProblemType]:
    """Problems as they are shown."""
    return [ProblemType(code=one.code, message=one.message, path=list(one.path), remedy=one.remedy) for one in problems]


async def answered(payload: Callable[..., P], work: Awaitable[P]) -> P:
    """The payload of a mutation, or one that says why nothing was done."""
    try:
        return await work
    except Refused as refused:
        return payload(problems=problems_of(refused.problems))
