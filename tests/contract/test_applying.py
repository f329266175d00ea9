"""Server-side apply: what it makes, what it refuses, and when it writes nothing."""

from .apiserver import Apiserver
from .conftest import Observe
from .objects import apps, config_map, core, service, workload


async def test_apply_should_make_an_object_and_write_nothing_where_nothing_changes(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    for path, wanted in (
        (apps(namespace, "deployments", "web"), workload("Deployment", "web", replicas=0)),
        (apps(namespace, "statefulsets", "set"), workload("StatefulSet", "set", replicas=0, serviceName="set")),
        (core(namespace, "services", "web"), service("web")),
        (core(namespace, "configmaps", "c"), config_map("c", a="1")),
    ):
        first = await apiserver.applied(path, wanted)
        observe(wanted["kind"], first)
        again = await apiserver.applied(path, wanted)
        assert {**again, "status": None, "metadata": None} == {**first, "status": None, "metadata": None}
        assert again["metadata"].get("generation") == first["metadata"].get("generation")
        assert (await apiserver.applied(path, wanted))["metadata"]["managedFields"][0]["manager"] == "contract"


async def test_a_field_of_another_manager_should_be_a_conflict_until_it_is_taken(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = core(namespace, "configmaps", "c")
    await apiserver.applied(path, config_map("c", a="1"))

    refused = await apiserver.apply(path, config_map("c", a="2"), manager="other")
    assert refused.code == 409
    observe("the conflict", refused.body)
    assert (await apiserver.get(path))["data"] == {"a": "1"}
    taken = await apiserver.applied(path, config_map("c", a="2"), manager="other", force="true")
    assert taken["data"] == {"a": "2"}
    observe("taken", taken)
    left = await apiserver.applied(path, config_map("c"), manager="other")
    assert "data" not in left


async def test_a_dry_run_should_answer_as_the_apply_and_leave_nothing(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = apps(namespace, "deployments", "web")
    observe("the answer", await apiserver.applied(path, workload("Deployment", "web"), dryRun="All"))
    assert (await apiserver.ask("GET", path)).code == 404
    assert (await apiserver.ask("GET", path)).body["reason"] == "NotFound"


async def test_what_is_wrong_should_be_refused_with_its_field(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = apps(namespace, "deployments", "web")
    negative = await apiserver.apply(path, workload("Deployment", "web", replicas=-1))
    assert negative.code == 422
    observe("a negative number", negative.body)
    unknown = await apiserver.apply(path, workload("Deployment", "web", paused="maybe"), fieldValidation="Strict")
    assert unknown.code in {400, 500}
    strange = await apiserver.apply(path, workload("Deployment", "web", strange=1), fieldValidation="Strict")
    assert strange.code in {400, 500}
    observe("an unknown field", strange.body)


async def test_a_field_that_cannot_change_should_be_refused(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = apps(namespace, "deployments", "web")
    await apiserver.applied(path, workload("Deployment", "web", replicas=0))
    changed = workload("Deployment", "web", replicas=0)
    changed["spec"]["selector"]["matchLabels"]["more"] = "1"
    changed["spec"]["template"]["metadata"]["labels"]["more"] = "1"
    refused = await apiserver.apply(path, changed)
    assert refused.code == 422
    observe("a selector", {**refused.body, "message": "", "details": refused.body["details"]["causes"][0]["field"]})

    path = apps(namespace, "statefulsets", "set")
    await apiserver.applied(path, workload("StatefulSet", "set", replicas=0, serviceName="set"))
    refused = await apiserver.apply(path, workload("StatefulSet", "set", replicas=0, serviceName="other"))
    assert refused.code == 422
    observe("a StatefulSet's service", refused.body)


async def test_an_apply_that_comes_late_should_be_refused(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = core(namespace, "configmaps", "c")
    before = await apiserver.applied(path, config_map("c", a="1"))
    await apiserver.applied(path, config_map("c", a="2"))
    late = config_map("c", a="3")
    late["metadata"] |= {key: before["metadata"][key] for key in ("uid", "resourceVersion")}

    refused = await apiserver.apply(path, late)
    assert (refused.code, refused.body["reason"]) == (409, "Conflict")
    observe("an old version", refused.body)

    await apiserver.delete(path)
    refused = await apiserver.apply(path, late)
    assert refused.code in {409, 404}
    observe("an object that is gone", refused.body)
