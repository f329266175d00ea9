"""Questions about what is not there, and questions that make no sense: null, NOT_FOUND or BAD_REQUEST, never anything else.

`standing` holds the application `or/local/models/churn` and what is above it.
"""

import pytest

from .server import Nexus

pytestmark = pytest.mark.asyncio(loop_scope="module")

# ── what is not there ──


@pytest.mark.parametrize(
    "question",
    [
        'level(path: "no") { path }',
        'level(path: "NOT a path//") { path }',
        'level(path: "") { path }',
        'project(path: "no") { path }',
        'project(path: "or/local") { path }',
        'environment(path: "or") { path }',
        'namespace(path: "or/local/models/churn") { path }',
        'application(path: "or/local/models") { path }',
        'application(path: "or/local/models/no") { path }',
        'applications(scope: "no") { totalCount }',
        'pods(scope: "no") { totalCount }',
        'operations(scope: "no") { nodes { id } }',
        'grants(path: "no") { id }',
        'cluster(name: "no") { id }',
        'topology(scope: "no") { position }',
        'topology(scope: "NOT a path//") { position }',
        'workflow(environment: "no", name: "nightly") { id }',
        'workflow(environment: "or", name: "nightly") { id }',
        'workflow(environment: "or/local", name: "nightly") { id }',
        'node(id: "Workflow:00000000-0000-0000-0000-000000000000") { id }',
        'node(id: "TopologyNode:application:00000000-0000-0000-0000-000000000000") { id }',
        'node(id: "TopologyNode:nonsense") { id }',
        'node(id: "TopologyEdge:application:a>application:b") { id }',
        'operation(id: "Operation:00000000-0000-0000-0000-000000000000") { id }',
        'node(id: "Application:00000000-0000-0000-0000-000000000000") { id }',
        'node(id: "Grant:00000000-0000-0000-0000-000000000000") { id }',
        'node(id: "Pod:00000000-0000-0000-0000-000000000000:a") { id }',
    ],
)
async def test_what_is_not_there_should_be_null_without_an_error(standing: Nexus, question: str) -> None:
    answer = await standing.execute(f"{{ answer: {question} }}")
    assert answer.errors == []
    assert answer.data == {"answer": None}


@pytest.mark.parametrize("field", ["hierarchy", "health", "workloads", "pods", "operations", "topology"])
async def test_a_subscription_of_a_scope_that_is_not_there_should_be_not_found(standing: Nexus, field: str) -> None:
    async with standing.subscribe(f'subscription {{ {field}(scope: "no") {{ kind }} }}') as frames:
        answer = await frames.next()
        assert answer is not None
        assert answer.codes == ["NOT_FOUND"]


@pytest.mark.parametrize(
    "subscription",
    [
        'events(scope: "no") { cursor }',
        'logs(input: {scope: "no"}) { cursor }',
        'operation(id: "Operation:00000000-0000-0000-0000-000000000000") { id }',
    ],
)
async def test_other_subscriptions_of_what_is_not_there_should_be_not_found(standing: Nexus, subscription: str) -> None:
    async with standing.subscribe(f"subscription {{ {subscription} }}") as frames:
        answer = await frames.next()
        assert answer is not None
        assert answer.codes == ["NOT_FOUND"]


# ── bad requests ──


@pytest.mark.parametrize(
    "question",
    [
        "applications(first: 1001) { totalCount }",
        "applications(first: -1) { totalCount }",
        'applications(after: "nonsense") { totalCount }',
        'applications(after: "") { totalCount }',
        'applications(after: "é") { totalCount }',
        "operations(first: 1001) { nodes { id } }",
        'operations(after: "nonsense") { nodes { id } }',
        'operations(after: "MjAyNi0wMS0wMQ") { nodes { id } }',
        'operation(id: "nonsense") { id }',
        'operation(id: "") { id }',
        'operation(id: "Project:00000000-0000-0000-0000-000000000000") { id }',
        'node(id: "nonsense") { id }',
        'node(id: "") { id }',
        'node(id: "Application") { id }',
        'node(id: "TopologyNode:") { id }',
        'node(id: "Workflow:nonsense") { id }',
        'topology(scope: "or", filter: {depth: -1}) { position }',
        'topology(scope: "or", filter: {kinds: [PLANET]}) { position }',
        'topology(scope: "or", filter: {direction: UP}) { position }',
        'topology(scope: "or", filter: {nothing: 1}) { position }',
        'project(path: "or") { topology(filter: {depth: -1}) { position } }',
        'node(id: "Application:nonsense") { id }',
        'node(id: "Application:00000000-0000-0000-0000-000000000000:more") { id }',
        'node(id: "Pod:00000000-0000-0000-0000-000000000000") { id }',
        'node(id: "Nothing:00000000-0000-0000-0000-000000000000") { id }',
        'search(text: "or", first: 1001) { __typename }',
        'search(text: "or", first: -1) { __typename }',
        'environment(path: "or/local") { unmanaged(first: 1001) { totalCount } }',
        'environment(path: "or/local") { unmanaged(after: "nonsense") { totalCount } }',
        'pods(scope: "or", first: 1001) { totalCount }',
        'pods(scope: "or", after: "nonsense") { totalCount }',
        'level(path: "or") { events(first: 1001) { nodes { id } } }',
        'level(path: "or") { events(after: "nonsense") { nodes { id } } }',
        'level(path: "or") { operations(first: 1001) { nodes { id } } }',
        'level(path: "or") { operations(after: "nonsense") { nodes { id } } }',
        'project(path: "or") { applications(first: 1001) { totalCount } }',
        "nothing",
        "viewer",
        "viewer { nothing }",
        'level(path: "or", more: 1) { path }',
        "level { path }",
        "level(path: 1) { path }",
        "level(path: null) { path }",
        'applications(first: "1") { totalCount }',
        "applications(filter: {health: [FINE]}) { totalCount }",
        "viewer { name } }",
        "viewer { name",
    ],
)
async def test_what_makes_no_sense_should_be_a_bad_request_with_a_text(standing: Nexus, question: str) -> None:
    answer = await standing.execute(f"{{ {question} }}")
    assert set(answer.codes) == {"BAD_REQUEST"}
    assert all(len(error["message"]) > 10 for error in answer.errors)


@pytest.mark.parametrize(
    "question",
    [
        'pods(scope: "or", after: $after) { totalCount }',
        'environment(path: "or/local") { unmanaged(after: $after) { totalCount } }',
        'level(path: "or") { events(after: $after) { nodes { id } } }',
        "operations(after: $after) { nodes { id } }",
    ],
)
async def test_a_cursor_of_another_list_should_be_a_bad_request(standing: Nexus, question: str) -> None:
    after = (await standing.execute("{ applications { pageInfo { endCursor } } }"))["applications"]["pageInfo"]
    document = f"query ($after: String) {{ applications(after: $after) {{ totalCount }} asked: {question} }}"
    answer = await standing.execute(document, {"after": after["endCursor"]})
    assert answer.codes == ["BAD_REQUEST"]
    assert answer.data is not None
    assert answer.data["applications"] == {"totalCount": 1}


@pytest.mark.parametrize(
    "subscription",
    [
        "logs(input: {}) { cursor }",
        'logs(input: {scope: "or", cluster: "a"}) { cursor }',
        'logs(input: {scope: "or", grep: "("}) { cursor }',
        'logs(input: {scope: "or", since: "soon"}) { cursor }',
        'logs(input: {scope: "or", tail: -1}) { cursor }',
        'logs(input: {scope: "or", after: "nonsense"}) { cursor }',
        'events(scope: "or", after: "nonsense") { cursor }',
        'operation(id: "nonsense") { id }',
        'topology(scope: "or", filter: {depth: -1}) { kind }',
        "nothing",
        "pods { kind }",
    ],
)
async def test_a_subscription_that_makes_no_sense_should_be_a_bad_request(standing: Nexus, subscription: str) -> None:
    async with standing.subscribe(f"subscription {{ {subscription} }}") as frames:
        answer = await frames.next()
        assert answer is not None
        assert set(answer.codes) == {"BAD_REQUEST"}


async def test_the_logs_of_a_cluster_that_is_not_there_should_be_not_found(standing: Nexus) -> None:
    document = 'subscription { logs(input: {cluster: "no", kubernetesNamespace: "a"}) { cursor } }'
    async with standing.subscribe(document) as frames:
        answer = await frames.next()
        assert answer is not None
        assert answer.codes == ["NOT_FOUND"]
