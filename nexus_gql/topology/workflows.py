"""Workflows: consumers that Nexus does not deploy, declared by whoever runs them, with the applications that they need.

All of them are in memory, as the hierarchy is. Declaring one is a change of the hierarchy's number, by which other servers hear of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from nexus_gql import paths
from nexus_gql.access import not_found
from nexus_gql.database import next_change, storable, transactional
from nexus_gql.hierarchy import Environment, Hierarchy
from nexus_gql.paths import DEPTHS, Path, depth
from nexus_gql.problems import Problem, ProblemCode, Refused

from . import models

REQUIRES_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow of an environment. `requires`: paths of applications, whether anybody has declared them or not."""

    id: str
    environment: Path
    name: str
    display_name: str
    requires: tuple[Path, ...]
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkflow:
    """What declareWorkflow is given."""

    environment: Path
    name: str
    display_name: str | None
    requires: Sequence[Path]
    url: str | None


class Workflows:
    """The workflows there are."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._hierarchy = hierarchy
        self._rows: dict[str, Workflow] = {}
        self._followers: list[Callable[[], None]] = []

    def follow(self, follower: Callable[[], None]) -> None:
        """Call a function when there are others than before."""
        self._followers.append(follower)

    async def load(self) -> None:
        """Read all of them."""
        rows = await models.Workflow.all().values("id", "name", "display_name", "requires", "url", "environment__path")
        found = {
            str(row["id"]): Workflow(
                str(row["id"]),
                Path(row["environment__path"]),
                row["name"],
                row["display_name"],
                tuple(Path(path) for path in row["requires"]),
                row["url"],
            )
            for row in rows
        }
        if found != self._rows:
            self._rows = found
            for follower in self._followers:
                follower()

    def all(self) -> list[Workflow]:
        """All of them, by environment and name."""
        return sorted(self._rows.values(), key=lambda one: (one.environment, one.name))

    def get(self, key: str) -> Workflow | None:
        """One, by its id."""
        return self._rows.get(key)

    def named(self, environment: Path, name: str) -> Workflow | None:
        """One, by its place."""
        return next((one for one in self._rows.values() if (one.environment, one.name) == (environment, name)), None)

    async def declare(self, new: NewWorkflow) -> Workflow:
        """A workflow that was not there, or what one is from now on; Refused with paths that count from the arguments."""
        if problems := _problems(new):
            raise Refused(problems)
        await _store(self._hierarchy, new)
        await self._hierarchy.current()
        await self.load()
        declared = self.named(new.environment, new.name)
        if declared is None:  # somebody removed it, or its environment, in the meantime
            raise Refused(not_found(new.environment, "environment"))
        return declared

    async def remove(self, environment: Path, name: str) -> str:
        """Forget a workflow; its id. Refused where it is not there."""
        await self.load()
        found = self.named(environment, name)
        if found is None or not await _remove(found.id):
            raise Refused(Problem(ProblemCode.NOT_FOUND, f"`{environment}` has no workflow `{name[:80]}`.", ("name",)))
        await self.load()
        return found.id


def _problems(new: NewWorkflow) -> list[Problem]:
    problems = []
    if not paths.is_label(new.name):
        message = (
            f"A name is a DNS label: lower-case letters, digits and hyphens, at most 63; {new.name[:80]!r} is not."
        )
        problems.append(Problem(ProblemCode.INVALID, message, ("name",), "The display name may be anything."))
    if new.display_name is not None and (len(new.display_name) > 255 or not storable(new.display_name)):
        problems.append(Problem(ProblemCode.INVALID, "A display name has at most 255 characters.", ("displayName",)))
    if len(new.requires) > REQUIRES_LIMIT:
        message = f"A workflow requires at most {REQUIRES_LIMIT} applications; these are {len(new.requires)}."
        problems.append(Problem(ProblemCode.LIMIT, message, ("requires",)))
    for number, path in enumerate(new.requires[:REQUIRES_LIMIT]):
        if not _is_application(path):
            message = f"A workflow requires applications, and `{path[:300]}` is the path of none."
            problems.append(Problem(ProblemCode.INVALID, message, ("requires", str(number)), "`or/local/models/churn`"))
    if new.url is not None and (len(new.url) > 2000 or not storable(new.url) or not _is_link(new.url)):
        problems.append(
            Problem(ProblemCode.INVALID, "The URL is one of http or https, without a user or password.", ("url",))
        )
    return problems


def _is_application(path: Path) -> bool:
    try:
        return depth(paths.parse(path)) == len(DEPTHS)
    except paths.MalformedPath:
        return False


def _is_link(text: str) -> bool:
    """Dashboards make a link of it: a `javascript:` one would run in them."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    # What splits a URL drops blanks and line ends; a browser, which is given the text, may read it otherwise.
    clean = text.isprintable() and " " not in text
    return clean and parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None


@transactional
async def _store(hierarchy: Hierarchy, new: NewWorkflow) -> None:
    catalogue = await hierarchy.locked(await next_change())
    environment = catalogue.get(Environment, new.environment)
    if environment is None:
        raise Refused(not_found(new.environment, "environment"))
    values: dict[str, Any] = {
        "display_name": new.display_name or new.name,
        "requires": list(dict.fromkeys(new.requires)),
        "url": new.url,
    }
    row = await models.Workflow.get_or_none(environment_id=environment.id, name=new.name)
    if row is None:
        await models.Workflow.create(id=uuid4(), environment_id=environment.id, name=new.name, **values)
    else:
        await models.Workflow.filter(id=row.id).update(**values)


@transactional
async def _remove(key: str) -> bool:
    await next_change()
    return bool(await models.Workflow.filter(id=key).delete())
