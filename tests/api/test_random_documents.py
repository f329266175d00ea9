"""Documents made at random from the schema: whatever is asked, nothing of it is a fault of ours.

They are valid but for what the specification leaves to the server (scalars, @oneOf), and wrong in every way that the types let in.
"""

import base64
import json
import uuid

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import mutations, nodes, queries

from nexus_gql.schema import sdl

from .server import Answer, Nexus

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMA = sdl()

# Of each scalar some that mean something on this server, and some that do not.
POOLS = {
    "Path": [
        "or",
        "or/local",
        "or/local/models",
        "or/local/models/churn",
        "or/no",
        "",
        "/",
        "OR",
        "a/b/c/d/e",
        "\0",
        "ä",
    ],
    "Duration": ["15s", "1h30m", "0", "500ms", "-1s", "", "soon", "9" * 300 + "h", "\0"],
    "Quantity": ["250m", "1Gi", "0", "-1", "", "much", "1e999", "9" * 100],
    "ApplicationRef": ["churn", "models/churn", "or/local/models/churn", "no", "", "a/b/c", "\0"],
    "DateTime": ["2026-11-24T08:15:00Z", "", "yesterday"],
    "FeedPosition": ["1", ""],
    "JSON": ["", "{}"],
}
SCALARS = {name: st.sampled_from(pool).map(nodes.String) for name, pool in POOLS.items()}

CODES = {"UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "BAD_REQUEST", "TOO_EXPENSIVE", "TOO_MANY", "UNREACHABLE"}

# The same documents each time: what another seed would find is to be looked for on purpose, not to fail somebody's change.
seeded = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def check(answer: Answer) -> None:
    """Nothing but what the contract has a code for."""
    assert set(answer.codes) <= CODES, answer.text
    assert answer.data is not None or answer.errors


@seeded
@given(document=queries(SCHEMA, custom_scalars=SCALARS))
async def test_a_query_should_never_be_a_fault_of_ours(standing: Nexus, document: str) -> None:
    check(await standing.execute(document))


@seeded
@given(document=mutations(SCHEMA, custom_scalars=SCALARS))
async def test_a_mutation_should_never_be_a_fault_of_ours(standing: Nexus, document: str) -> None:
    check(await standing.execute(document))


texts = st.text(max_size=40) | st.sampled_from(
    ["", "or", "churn", "LOG_LEVEL", "replicas", "env.", "image.tag", "\0", "a" * 300]
)


def values(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """JSON built of what a strategy gives: as a client may send it, whatever the schema says."""
    return st.lists(strategy, max_size=3) | st.dictionaries(texts, strategy, max_size=3)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts, values, max_leaves=8
)
patches = st.dictionaries(
    st.sampled_from(
        [
            "image",
            "replicas",
            "env",
            "ports",
            "probes",
            "files",
            "labels",
            "args",
            "rollout",
            "resources",
            "inherit",
            "remove",
            "tolerations",
            "terminationGrace",
            "unknown",
        ]
    ),
    json_values,
    max_size=4,
)


@seeded
@given(path=texts, patch=patches)
async def test_a_patch_of_any_shape_should_never_be_a_fault_of_ours(standing: Nexus, path: str, patch: object) -> None:
    document = """mutation ($path: Path!, $patch: SettingsPatch!) { configure(path: $path, patch: $patch, dryRun: true) {
      changed problems { code message path } } }"""
    check(await standing.execute(document, {"path": path, "patch": patch}))
    check(await standing.execute(document, {"path": "or/local/models/churn", "patch": patch}))


def encoded(text: str) -> str:
    """A text as cursors are written."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


instants = st.datetimes().map(lambda at: at.isoformat()) | st.sampled_from(
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-11-24", "2026-11-24T08:15:00", "2026-W01-1"]
)
cursors = (
    json_values.map(json.dumps).map(encoded)
    | instants.map(lambda at: encoded(f"{at} {uuid.UUID(int=7)}"))
    | st.binary(max_size=40).map(base64.urlsafe_b64encode).map(bytes.decode)
    | texts
)


@seeded
@given(cursor=cursors)
async def test_a_cursor_of_any_kind_should_never_be_a_fault_of_ours(standing: Nexus, cursor: str) -> None:
    document = """query ($after: String) { applications(after: $after) { totalCount } operations(after: $after) { nodes { id } }
      pods(scope: "or", after: $after) { totalCount } level(path: "or") { events(after: $after) { nodes { id } }
      operations(after: $after) { nodes { id } } } }"""
    check(await standing.execute(document, {"after": cursor}))


@settings(seeded, max_examples=25)
@given(cursor=cursors)
async def test_a_cursor_of_any_kind_should_never_break_a_feed(standing: Nexus, cursor: str) -> None:
    for document in (
        'subscription ($after: String) { events(scope: "or", after: $after) { cursor } }',
        'subscription ($after: String) { logs(input: {scope: "or", follow: false, after: $after}) { cursor } }',
    ):
        async with standing.subscribe(document, {"after": cursor}) as frames:
            answer = await frames.next()
            if answer is not None:
                check(answer)
