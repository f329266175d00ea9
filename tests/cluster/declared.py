"""From a patch to the objects that it makes, as `configure` and `deploy` go, with no server and no database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from nexus_gql.clusters import Connection, kubeconfig
from nexus_gql.hierarchy import SETTINGS, ApplicationKind, missing
from nexus_gql.hierarchy.configuring import checked_patch, inconsistency_problems
from nexus_gql.hierarchy.patches import apply
from nexus_gql.hierarchy.provenance import Effective, effective
from nexus_gql.paths import Path, lineage
from nexus_gql.problems import Problem
from nexus_gql.workloads.apply import with_secrets
from nexus_gql.workloads.manifests import Manifest, render
from nexus_gql.workloads.rendering import Rendering

Shape = dict[str, Any]

INSTALLATION = "8b3a5c4e-0000-4000-8000-000000000002"

# What a deployment needs, so that a patch need not have it.
ABOVE = {"image.repository": "ghcr.io/or/churn", "schedule.cron": "@daily"}


@asynccontextmanager
async def connected(text: str) -> AsyncIterator[Connection]:
    """The connection that Nexus itself makes."""
    loaded = await kubeconfig.configuration(kubeconfig.chosen(kubeconfig.parse(text), None))
    connection = Connection(loaded.configuration)
    try:
        yield connection
    finally:
        await connection.close()
        loaded.close()


def judged(path: Path, kind: ApplicationKind, shape: Shape) -> tuple[list[Problem], Effective]:
    """What we say of a patch, and the settings that it makes."""
    patch, problems = checked_patch(shape, "patch")
    own = apply({}, patch, SETTINGS)
    settled = effective(path, list(zip(lineage(path), [ABOVE, {}, {}, own], strict=True)), kind, SETTINGS)
    if not problems:
        problems = [problem.under("patch") for problem in inconsistency_problems(settled, patch)]
        assert missing(settled.document) == []
    return problems, settled


def manifests(
    settled: Effective, namespace: str, shape: Shape, *, urls: Mapping[str, str] | None = None
) -> list[Manifest]:
    """The objects of settings that are accepted, secrets filled in."""
    patch, _ = checked_patch(shape, "patch")
    texts = {key.removeprefix("env."): text for key, text in patch.secrets.items()}
    rendering = Rendering(
        path=settled.path,
        application_id="8b3a5c4e-0000-4000-8000-000000000001",
        installation_id=INSTALLATION,
        namespace=namespace,
        settings=settled.document,
        urls=urls or {},
        secrets_fingerprint="0123456789abcdef" if texts else None,
        revision=1,
    )
    return [with_secrets(manifest, texts) for manifest in render(rendering)]
