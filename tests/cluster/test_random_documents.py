"""Settings made at random: what we accept a real apiserver accepts, and what we refuse we refuse at the setting that is at fault.

Nothing is written: every object is sent as a dry run.
"""

import asyncio
import json
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nexus_gql.clusters import APPLY, ClusterError, Connection
from nexus_gql.hierarchy import SETTINGS, ApplicationKind, Named, Single, WorkloadKind
from nexus_gql.hierarchy.provenance import Effective
from nexus_gql.paths import Path
from nexus_gql.problems import Problem
from nexus_gql.workloads.apply import KINDS
from nexus_gql.workloads.manifests import Manifest
from tests.cluster import real
from tests.cluster.declared import Shape, connected, judged, manifests
from tests.cluster.random_settings import NAMES, patches

# The same documents each time; another seed is for looking on purpose (drop `derandomize`, raise `max_examples`).
seeded = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def test_what_is_accepted_should_be_accepted_by_a_real_apiserver_and_the_rest_refused_where_it_is_wrong(
    cluster: real.Cluster, namespace: str
) -> None:
    seen: Counter[str] = Counter()

    with asyncio.Runner() as runner:
        opened = connected(cluster.kubeconfig.read_text())
        connection = runner.run(opened.__aenter__())

        @seeded
        @given(shape=patches(), called=st.sampled_from(NAMES), kind=st.sampled_from(ApplicationKind))
        def hold(shape: Shape, called: str, kind: ApplicationKind) -> None:
            accepted, settled = without_what_is_refused(Path(f"or/local/models/{called}"), kind, shape)
            seen["refused by us"] += accepted != shape
            seen[settled.document["workload"]] += 1
            refusals = runner.run(refused(connection, manifests(settled, namespace, accepted)))
            assert refusals == [], json.dumps(accepted)[:3000]

        try:
            hold()
        finally:
            runner.run(opened.__aexit__(None, None, None))

    # Of nothing the law would hold, too.
    assert min(seen[workload] for workload in WorkloadKind) > 10, seen
    assert 40 < seen["refused by us"] < 180, seen


def without_what_is_refused(path: Path, kind: ApplicationKind, shape: Shape) -> tuple[Shape, Effective]:
    """The patch without what is refused in it: each problem must lead to a part of the patch, and without it be gone."""
    while True:
        problems, settled = judged(path, kind, shape)
        if not problems:
            return shape, settled
        shape = without(shape, problems[0])


def without(shape: Shape, problem: Problem) -> Shape:
    """The patch without the setting that a problem points at."""
    argument, setting, *rest = problem.path if len(problem.path) > 1 else ("", "")
    assert argument == "patch", problem
    assert setting in shape, problem
    declared = SETTINGS[setting]
    if isinstance(declared, Single):
        return {name: value for name, value in shape.items() if name != setting}
    if isinstance(declared, Named):
        position = int(rest[0])
        assert position < len(shape[setting]), problem
        return {**shape, setting: [*shape[setting][:position], *shape[setting][position + 1 :]]}
    assert rest[0] in shape[setting], problem
    return {**shape, setting: {part: value for part, value in shape[setting].items() if part != rest[0]}}


async def refused(connection: Connection, objects: list[Manifest]) -> list[str]:
    """What an apiserver says against objects, all asked at once."""
    found = await asyncio.gather(*(refusal(connection, one) for one in objects))
    return [f"{one['kind']}: {why}" for one, why in zip(objects, found, strict=True) if why is not None]


async def refusal(connection: Connection, manifest: Manifest) -> str | None:
    """What it says against an object that is applied as Nexus applies it, and not kept."""
    metadata = manifest["metadata"]
    path = f"{KINDS[manifest['kind']].format(namespace=metadata['namespace'])}/{metadata['name']}"
    query = {"fieldManager": "nexus", "fieldValidation": "Strict", "dryRun": "All"}
    try:
        await connection.send("PATCH", path, manifest, query=query, content_type=APPLY)
    except ClusterError as error:
        return str(error)
    return None
