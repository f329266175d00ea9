"""Registering, changing, removing and discovering clusters."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

from tortoise.exceptions import IntegrityError

from nexus_gql import clock, paths
from nexus_gql.problems import Problem, ProblemCode, Refused
from nexus_gql.problems import Unreachable as Unanswered

from . import engine, kubeconfig
from .errors import AccessError, ClusterError, Denied
from .fleet import Fleet
from .link import cluster_uid
from .models import Cluster
from .targets import ClusterKind, Target, allowed_path, opened

_LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Discovered:
    """A cluster that could be registered. `registered_as`: the name under which it is, where that can be told."""

    name: str
    kind: ClusterKind
    detail: str
    registered_as: str | None


async def register(fleet: Fleet, name: str, wanted: Target) -> Cluster:
    """A new cluster, connected to; Refused with paths that count from the mutation's arguments."""
    problems = []
    if not paths.is_label(name):
        message = f"A cluster's name is a DNS label: lower-case letters, digits and hyphens, at most 63; {name[:80]!r} is not."
        problems.append(Problem(ProblemCode.INVALID, message, ("name",)))
    elif fleet.named(name) is not None:
        problems.append(Problem(ProblemCode.ALREADY_EXISTS, f"A cluster `{name}` is registered already.", ("name",)))
    problems += _target_problems(fleet, wanted)
    if problems:
        raise Refused(problems)
    cluster_id = uuid4()
    async with _placed(fleet, wanted, cluster_id) as placed:
        row = await _registered_at(fleet, name, placed, cluster_id)
    fleet.join(row)
    return row


async def _registered_at(fleet: Fleet, name: str, wanted: Target, cluster_id: UUID) -> Cluster:
    uid = await _uid(fleet, wanted)
    known = next((row for row in fleet.rows() if row.uid == uid), None)
    if known is not None:
        message = f"This cluster is registered already, as `{known.name}`."
        raise Refused(Problem(ProblemCode.ALREADY_EXISTS, message, ("input",)))
    try:
        return await Cluster.create(
            id=cluster_id,
            name=name,
            kind=wanted.kind,
            uid=uid,
            target=wanted.shown,
            credentials=fleet.encrypted(cluster_id, wanted),
            created_at=clock.now(),
        )
    except IntegrityError as error:
        message = "Somebody registered this cluster, or another under this name, at the same time."
        raise Refused(Problem(ProblemCode.ALREADY_EXISTS, message, ("name",))) from error


@asynccontextmanager
async def _placed(fleet: Fleet, wanted: Target, cluster_id: UUID) -> AsyncIterator[Target]:
    """The target with, for a sandbox, a place of its own, which stays only where the body goes through."""
    sandboxes = fleet.surroundings.sandboxes
    if wanted.kind is not ClusterKind.SANDBOX or sandboxes is None:
        yield wanted
        return
    key = str(cluster_id)
    made = sandboxes.make(key)
    try:
        yield replace(wanted, sandbox=key)
    except BaseException:
        if made:
            await sandboxes.discard(key)
        raise


async def update(fleet: Fleet, name: str, wanted: Target) -> Cluster:
    """New credentials or another address for a cluster.

    Where another cluster answers there (a KinD cluster made anew), it takes the old one's place: what ran on the old one shows
    as missing until it is deployed again.
    """
    row = _registered(fleet, name)
    if problems := _target_problems(fleet, wanted):
        raise Refused(problems)
    async with _placed(fleet, wanted, row.id) as placed:
        fresh = await _updated_to(fleet, row, placed)
    if row.kind == ClusterKind.SANDBOX and wanted.kind is not ClusterKind.SANDBOX:
        await _discard_sandbox(fleet, row)
    return fresh


async def _updated_to(fleet: Fleet, row: Cluster, wanted: Target) -> Cluster:
    uid = await _uid(fleet, wanted)
    other = next((known for known in fleet.rows() if known.uid == uid and known.id != row.id), None)
    if other is not None:
        message = f"The cluster that answers there is registered already, as `{other.name}`."
        raise Refused(Problem(ProblemCode.ALREADY_EXISTS, message, ("input",)))
    async with fleet.changing:
        row = _registered(fleet, row.name)
        try:
            await Cluster.filter(id=row.id).update(
                kind=wanted.kind, uid=uid, target=wanted.shown, credentials=fleet.encrypted(row.id, wanted)
            )
        except IntegrityError as error:
            message = "Somebody registered the cluster that answers there at the same time."
            raise Refused(Problem(ProblemCode.ALREADY_EXISTS, message, ("input",))) from error
        fresh = await Cluster.get(id=row.id)
        await fleet.leave(str(row.id))
        fleet.join(fresh)
        return fresh


async def remove(fleet: Fleet, name: str) -> UUID:
    """Forget a cluster; IN_USE while an environment is on it. What runs there goes on; a sandbox ends, and is deleted."""
    async with fleet.changing:
        row = _registered(fleet, name)
        try:
            await Cluster.filter(id=row.id).delete()
        except IntegrityError as error:
            message = f"Environments are on the cluster `{name}`."
            remedy = "Delete them, or put them on another cluster (`updateLevel`), first."
            raise Refused(Problem(ProblemCode.IN_USE, message, ("name",), remedy)) from error
        await fleet.leave(str(row.id))
        if row.kind == ClusterKind.SANDBOX:
            await _discard_sandbox(fleet, row)
        return row.id


async def _discard_sandbox(fleet: Fleet, row: Cluster) -> None:
    if fleet.surroundings.sandboxes is not None:
        await fleet.surroundings.sandboxes.discard(str(row.id))


async def discover(fleet: Fleet) -> list[Discovered]:
    """What could be registered: this pod's own cluster, the Docker engine's KinD clusters and the contexts of the kubeconfig folder's files.

    Raises Unreachable where none can be looked at.
    """
    found = _own(fleet)
    found += await asyncio.to_thread(_kubeconfig_contexts, fleet.surroundings.kubeconfig_folder, fleet.rows())
    try:
        clusters = await engine.kind_clusters(fleet.surroundings.docker_url)
    except engine.NoEngine as error:
        if not found:
            raise Unanswered(str(error)) from error
        return found
    return [_kind(fleet, cluster) for cluster in clusters] + found


async def only_kind(fleet: Fleet) -> Target | None:
    """The only KinD cluster of the Docker engine; None where there is none, or there are several."""
    try:
        clusters = await engine.kind_clusters(fleet.surroundings.docker_url)
    except engine.NoEngine:
        return None
    return Target(ClusterKind.KIND, name=clusters[0].name) if len(clusters) == 1 else None


async def register_or_take(fleet: Fleet, name: str, wanted: Target) -> Cluster:
    """The cluster at a target: the one that is registered, or a new one under this name.

    Every sandbox is another cluster, so the one of this name is meant where there is one.
    """
    if wanted.kind is ClusterKind.SANDBOX:
        row = fleet.named(name)
        return row if row is not None and row.kind == ClusterKind.SANDBOX else await register(fleet, name, wanted)
    if problems := _target_problems(fleet, wanted):
        raise Refused(problems)
    uid = await _uid(fleet, wanted)
    known = next((row for row in fleet.rows() if row.uid == uid), None)
    return known or await register(fleet, name, wanted)


def _registered(fleet: Fleet, name: str) -> Cluster:
    row = fleet.named(name)
    if row is None:
        there = ", ".join(row.name for row in fleet.rows()) or "none"
        raise Refused(Problem(ProblemCode.NOT_FOUND, f"No cluster `{name}` is registered (there: {there}).", ("name",)))
    return row


def _target_problems(fleet: Fleet, wanted: Target) -> list[Problem]:
    """What is wrong with a target before anybody is asked."""
    if wanted.kind is ClusterKind.IN_CLUSTER:
        return [] if _own(fleet) else [_NO_POD]
    if wanted.kind is not ClusterKind.KUBECONFIG:
        return []
    given = [part for part in (wanted.path, wanted.content) if part is not None]
    if len(given) != 1:
        return [Problem(ProblemCode.INVALID, "Give the kubeconfig's path or its content.", ("input", "kubeconfig"))]
    try:
        if wanted.content is not None:
            kubeconfig.restrict(kubeconfig.chosen(kubeconfig.parse(wanted.content), wanted.context))
        else:
            allowed_path(wanted.path or "", fleet.surroundings.kubeconfig_folder)
    except kubeconfig.UnusableKubeconfig as error:
        part = "content" if wanted.content is not None else "path"
        return [Problem(ProblemCode.INVALID, str(error), ("input", "kubeconfig", part))]
    return []


async def _uid(fleet: Fleet, wanted: Target) -> str:
    """Who answers at a target; Refused where nobody does."""
    try:
        async with asyncio.timeout(_LIMIT):
            async with opened(wanted, fleet.surroundings) as connection:
                return await cluster_uid(connection)
    except Denied as error:
        remedy = "Let these credentials `get` the namespace kube-system, whose UID tells clusters apart."
        raise Refused(Problem(ProblemCode.FORBIDDEN, str(error), ("input",), remedy)) from error
    except AccessError as error:
        raise Refused(Problem(ProblemCode.INVALID, str(error), ("input",), "Check the credentials.")) from error
    except (ClusterError, TimeoutError) as error:
        message = str(error) or "The cluster did not answer in time."
        raise Refused(Problem(ProblemCode.UNREACHABLE, message, ("input",))) from error


_NO_POD = Problem(
    ProblemCode.UNSUPPORTED,
    "This server runs in no pod of Kubernetes, or in one without a service account's token.",
    ("input", "inCluster"),
    "Register the cluster by its kubeconfig.",
)


def _own(fleet: Fleet) -> list[Discovered]:
    """The cluster that this server runs in, where it runs in one."""
    account = fleet.surroundings.service_account
    if account is None or not account.there:
        return []
    registered = next((row.name for row in fleet.rows() if row.kind == ClusterKind.IN_CLUSTER), None)
    detail = f"the cluster that Nexus itself runs in, at {account.server}"
    return [Discovered("in-cluster", ClusterKind.IN_CLUSTER, detail, registered)]


def _kind(fleet: Fleet, cluster: engine.KindCluster) -> Discovered:
    registered = next(
        (row.name for row in fleet.rows() if row.kind == "KIND" and row.target.get("name") == cluster.name), None
    )
    state = "running" if cluster.running else "stopped"
    return Discovered(cluster.name, ClusterKind.KIND, f"Docker container `{cluster.container}`, {state}", registered)


def _kubeconfig_contexts(folder: Path | None, rows: list[Cluster]) -> list[Discovered]:
    if folder is None or not folder.expanduser().is_dir():
        return []
    found = []
    for file in sorted(folder.expanduser().iterdir()):
        if not file.is_file() or file.stat().st_size > 1_000_000:
            continue
        try:
            names = kubeconfig.contexts(kubeconfig.parse(file.read_text()))
        except (OSError, UnicodeDecodeError, kubeconfig.UnusableKubeconfig):
            continue
        for name in names:
            registered = next(
                (row.name for row in rows if row.target.get("path") == file.name and row.target.get("context") == name),
                None,
            )
            found.append(Discovered(name, ClusterKind.KUBECONFIG, f"context `{name}` of {file.name}", registered))
    return found
