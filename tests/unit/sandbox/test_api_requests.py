from datetime import UTC, datetime

import pytest

from nexus_gql.sandbox.logs import Asked
from tests.unit.sandbox.server import APPLY, MERGE, STRATEGIC, Server, config_map, deployment, pod

MAPS = "/api/v1/namespaces/x/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/x/deployments"


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        (MAPS, {}, 401),
        (MAPS, {"authorization": "Bearer other"}, 401),
        (MAPS, {"authorization": "Bearer secret"}, 200),
        (f"/secret{MAPS}", {}, 200),
        (f"/other{MAPS}", {}, 401),
        ("/version", {}, 200),
        ("/readyz", {}, 200),
        ("/apis", {}, 401),
    ],
)
async def test_a_request_should_show_the_token(path: str, headers: dict[str, str], code: int) -> None:
    found, answer = await Server(token="secret").ask("GET", path, **headers)

    assert found == code
    assert code != 401 or answer["reason"] == "Unauthorized"


async def test_it_should_say_what_it_is() -> None:
    _, answer = await Server().ask("GET", "/version")

    assert answer["gitVersion"] == "v1.34.4-nexus-sandbox"


async def test_every_resource_should_be_found_and_answer() -> None:
    server = Server()
    _, groups = await server.ask("GET", "/apis")
    versions = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups["groups"])]
    seen = 0
    for version in versions:
        _, found = await server.ask("GET", version)
        for row in found["resources"]:
            if "/" not in row["name"]:
                code, answer = await server.ask("GET", f"{version}/{row['name']}")
                assert (code, answer["kind"]) == (200, f"{row['kind']}List")
                seen += 1
    assert seen > 20


async def test_the_openapi_should_say_that_fields_are_validated_here() -> None:
    _, index = await Server().ask("GET", "/openapi/v3")
    _, document = await Server().ask("GET", index["paths"]["apis/apps/v1"]["serverRelativeURL"])

    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert "fieldValidation" in {one["name"] for one in patch["parameters"]}
    assert document["components"]["schemas"]["Container"]["required"] == ["name"]


async def test_an_apply_of_the_same_should_keep_the_version_whenever_it_comes() -> None:
    server = Server()
    path = f"{DEPLOYMENTS}/web?fieldManager=nexus"
    await server.ask("PATCH", path, deployment(replicas=2), APPLY)
    version = server.store.version
    await server.clock.advance(60)
    code, answer = await server.ask("PATCH", path, deployment(replicas=2), APPLY)

    assert (code, server.store.version) == (200, version)
    assert answer["metadata"]["resourceVersion"] == str(version)


async def test_an_apply_with_a_stale_version_should_be_refused_even_with_force() -> None:
    server = Server()
    path = f"{MAPS}/c?fieldManager=nexus&force=true"
    _, first = await server.ask("PATCH", path, config_map(a="1"), APPLY)
    await server.ask("PATCH", path, config_map(a="2"), APPLY)
    stale = config_map(a="3")
    stale["metadata"]["resourceVersion"] = first["metadata"]["resourceVersion"]
    code, answer = await server.ask("PATCH", path, stale, APPLY)

    assert (code, answer["reason"]) == (409, "Conflict")
    assert (server.store.get("ConfigMap", "x", "c") or {})["data"] == {"a": "2"}


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type"),
    [
        ("POST", f"{MAPS}?dryRun=All", config_map("new"), "application/json"),
        ("PUT", f"{MAPS}/c?dryRun=All", config_map(a="2"), "application/json"),
        ("PATCH", f"{MAPS}/c?dryRun=All", {"data": {"a": "2"}}, MERGE),
        ("PATCH", f"{MAPS}/c?dryRun=All&fieldManager=n&force=true", config_map(a="2"), APPLY),
        ("DELETE", f"{MAPS}/c?dryRun=All", None, "application/json"),
        ("DELETE", f"{MAPS}?dryRun=All", None, "application/json"),
    ],
)
async def test_a_dry_run_should_answer_as_if_and_write_nothing(
    method: str, path: str, body: object, content_type: str
) -> None:
    server = Server()
    server.store.create("ConfigMap", "x", config_map(a="1"))
    version = server.store.version
    code, _ = await server.ask(method, path, body, content_type)

    assert (code in {200, 201}, server.store.version) == (True, version)
    assert (server.store.get("ConfigMap", "x", "c") or {})["data"] == {"a": "1"}


async def test_scaling_should_be_read_and_written_by_itself() -> None:
    server = Server()
    server.store.create("Deployment", "x", deployment(replicas=2))
    _, scale = await server.ask("GET", f"{DEPLOYMENTS}/web/scale")
    assert (scale["kind"], scale["spec"], scale["status"]) == (
        "Scale",
        {"replicas": 2},
        {"replicas": 0, "selector": "app=web"},
    )
    code, _ = await server.ask("PATCH", f"{DEPLOYMENTS}/web/scale?fieldManager=s", {"spec": {"replicas": 5}}, MERGE)
    found = server.store.get("Deployment", "x", "web") or {}
    assert (code, found["spec"]["replicas"], found["metadata"]["generation"]) == (200, 5, 2)
    entry = next(one for one in found["metadata"]["managedFields"] if one["manager"] == "s")
    assert (entry["subresource"], entry["fieldsV1"]) == ("scale", {"f:spec": {"f:replicas": {}}})
    code, answer = await server.ask("PATCH", f"{DEPLOYMENTS}/web?fieldManager=nexus", deployment(replicas=2), APPLY)
    assert (code, answer["message"]) == (
        409,
        'Apply failed with 1 conflict: conflict with "s" with subresource "scale" using apps/v1: .spec.replicas',
    )


async def test_a_version_in_a_scale_should_be_the_present_one() -> None:
    server = Server()
    server.store.create("Deployment", "x", deployment())
    _, scale = await server.ask("GET", f"{DEPLOYMENTS}/web/scale")
    scale["spec"]["replicas"] = 2
    assert (await server.ask("PUT", f"{DEPLOYMENTS}/web/scale", scale))[0] == 200
    assert (await server.ask("PUT", f"{DEPLOYMENTS}/web/scale", {**scale, "spec": {"replicas": 3}}))[0] == 409


async def test_the_status_should_be_patched_by_its_own_way_only() -> None:
    server = Server()
    server.store.create("Deployment", "x", deployment(replicas=1))
    change = {"spec": {"replicas": 9}, "status": {"replicas": 4}}
    await server.ask("PATCH", f"{DEPLOYMENTS}/web/status", change, STRATEGIC)
    found = server.store.get("Deployment", "x", "web") or {}

    assert (found["spec"]["replicas"], found["status"]["replicas"]) == (1, 4)


async def test_the_questions_about_a_log_should_reach_the_node() -> None:
    server = Server()
    query = "container=c&follow=true&tailLines=5&sinceSeconds=9&previous=1&timestamps=true&limitBytes=7"
    code, text = await server.ask("GET", f"/api/v1/namespaces/x/pods/p/log?{query}")

    since = server.clock.now().timestamp() - 9
    asked = Asked(follow=True, tail=5, since=since, previous=True, timestamps=True, limit_bytes=7)
    assert (code, text) == (200, repr(("x", "p", "c", asked)))
    _, text = await server.ask("GET", "/api/v1/namespaces/x/pods/p/log?sinceTime=2026-01-01T00:00:00Z")
    moment = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert text == repr(("x", "p", None, Asked(since=moment)))


async def test_metrics_should_be_asked_of_the_nodes() -> None:
    server = Server()
    _, everywhere = await server.ask("GET", "/apis/metrics.k8s.io/v1beta1/pods")
    _, one = await server.ask("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/y/pods/p")
    code, _ = await server.ask("GET", "/apis/metrics.k8s.io/v1beta1/nodes/other")

    assert (everywhere["kind"], len(everywhere["items"]), one["metadata"]["namespace"], code) == (
        "PodMetricsList",
        2,
        "y",
        404,
    )


async def test_a_job_should_leave_its_pods_unless_it_is_told_otherwise() -> None:
    server = Server()
    for name in ("a", "b"):
        template = {"spec": {**pod()["spec"], "restartPolicy": "Never"}}
        server.store.create("Job", "x", {"metadata": {"name": name}, "spec": {"template": template}})
    await server.ask("DELETE", "/apis/batch/v1/namespaces/x/jobs/a")
    await server.ask("DELETE", "/apis/batch/v1/namespaces/x/jobs/b?propagationPolicy=Background")

    left = server.store.get("Job", "x", "a") or {}
    assert left["metadata"]["finalizers"] == ["orphan"]
    assert server.store.get("Job", "x", "b") is None


async def test_a_table_should_be_made_for_those_who_print() -> None:
    server = Server()
    server.store.create("Pod", "x", pod())
    await server.clock.advance(90)
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    _, answer = await server.ask("GET", "/api/v1/namespaces/x/pods", accept=accept)

    assert [one["name"] for one in answer["columnDefinitions"]][:4] == ["Name", "Ready", "Status", "Restarts"]
    assert answer["rows"][0]["cells"] == ["p", "0/1", "Pending", "0", "<none>", "<none>", "90s"]
    assert answer["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


async def test_fields_that_nobody_knows_should_be_warned_of_and_dropped() -> None:
    server = Server()
    answer = await server.http.post(MAPS, json={**config_map(), "foo": 1})

    assert (answer.status_code, answer.headers["warning"]) == (201, '299 - "unknown field \\"foo\\""')
    assert "foo" not in answer.json()


async def test_yaml_should_be_read_like_json() -> None:
    server = Server()
    body = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1'}\n"
    answer = await server.http.patch(f"{MAPS}/c?fieldManager=n", content=body, headers={"content-type": APPLY})

    assert (answer.status_code, answer.json()["data"]) == (201, {"a": "1"})


async def test_a_body_beyond_the_limit_should_be_refused() -> None:
    code, answer = await Server().ask("POST", MAPS, config_map(a="x" * 4_000_000))

    assert (code, answer["reason"]) == (413, "RequestEntityTooLarge")
