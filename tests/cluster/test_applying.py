"""What is declared is what stands on the cluster, and nothing that is not Nexus's own is touched."""

import asyncio
import base64
import json
import re
from typing import Any

import pytest

from tests.cluster.nexus import Answered, until
from tests.cluster.place import Object, Place
from tests.cluster.proxy import Answer, Proxy

INSTALLATION = re.compile(r"installation")


def text(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": {"text": value}}


def secret(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": {"secret": value}}


async def everything(place: Place) -> dict[str, Object]:
    """Each object of the namespace that somebody made, by kind and name."""
    found = await place.items("deployments,services,secrets,configmaps,replicasets,pods")
    return {f"{one['kind']} {one['metadata']['name']}": one for one in found}


async def versions(place: Place) -> dict[str, str]:
    found = await everything(place)
    return {name: one["metadata"]["resourceVersion"] for name, one in found.items()}


def container(deployment: Object) -> Object:
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


async def test_a_deployment_that_changes_nothing_should_write_nothing(place: Place) -> None:
    file = {"name": "motd", "mountPath": "/etc/motd", "text": "hello"}
    path = await place.run(env=[secret("PASSWORD", "hunter2"), text("LEVEL", "info")], files=[file])
    await place.eventually(lambda found: found and found[0]["status"].get("readyReplicas") == 1, "deployments")

    async def settled() -> dict[str, str] | None:
        first = await versions(place)
        await place.nexus.deployed(path)
        return first if first == await versions(place) else None

    # Statuses may still have been on their way at first, of the Deployment and of its pod.
    assert await until(settled)


async def test_secret_should_be_on_the_cluster_alone_and_restart_the_pods_when_it_changes(place: Place) -> None:
    path = await place.run(env=[secret("PASSWORD", "hunter2-first")])
    (before,) = await place.pods()
    assert await secret_text(place) == "hunter2-first"

    await place.nexus.deployed(path, {"env": [secret("PASSWORD", "hunter2-second")]})

    assert await secret_text(place) == "hunter2-second"
    (after,) = await place.eventually(lambda found: len(found) == 1, "pods")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    (pod,) = await place.pods()
    said = await place.kubectl("exec", pod["metadata"]["name"], "--", "sh", "-c", "echo $PASSWORD")
    assert said == "hunter2-second\n"

    fields = "revision { number manifests { kind yaml } settings { document } } effective { document }"
    shown = json.dumps(await place.nexus.application(path, fields))
    assert "Secret" in shown
    for value in ("hunter2-first", "hunter2-second"):
        assert value not in shown
        assert base64.b64encode(value.encode()).decode() not in shown


async def secret_text(place: Place) -> str:
    (found,) = await place.items("secrets")
    return base64.b64decode(found["data"]["PASSWORD"]).decode()


async def test_every_setting_should_stand_on_the_cluster_as_declared(place: Place) -> None:
    await place.make_namespace()
    await place.kubectl("create", "serviceaccount", "reader")
    await place.kubectl("create", "secret", "generic", "database", "--from-literal=user=or")
    await place.kubectl("create", "secret", "docker-registry", "pull", "--docker-username=a", "--docker-password=b")
    path = await place.run(
        replicas=2,
        image={"tag": "2"},
        command=["/bin/program"],
        args=["first", "$(NOT_A_VARIABLE)", "$$"],
        env=[
            text("PLAIN", "a $(PLAIN) $$ b"),
            text("WHERE", "${project}/${environment}/${namespace}/${application} $${project}"),
            {"name": "USER", "value": {"secretKey": {"secret": "database", "key": "user"}}},
        ],
        ports=[
            {"name": "http", "port": 80, "targetPort": 8080},
            {"name": "dns", "port": 53, "targetPort": 5353, "protocol": "UDP"},
            {"name": "admin", "port": 9000, "expose": False},
        ],
        resources={"cpuRequest": "20m", "cpuLimit": "500m", "memoryRequest": "16Mi", "memoryLimit": "64Mi"},
        probes={
            "readiness": {"httpPath": "/healthz", "port": "http", "period": "1s", "timeout": "2s", "failures": 4},
            "liveness": {"tcp": True, "port": "8080", "initialDelay": "7s"},
            "startup": {"command": ["/bin/ls", "/tmp"], "period": "1s", "failures": 30},
        },
        files=[{"name": "motd", "mountPath": "/etc/or/motd", "text": "hello ${application}\n"}],
        serviceAccount="reader",
        labels=[{"name": "team", "value": "ml"}],
        annotations=[{"name": "or.example/owner", "value": "ada"}],
        nodeSelector=[{"name": "kubernetes.io/os", "value": "linux"}],
        tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        securityContext={"runAsUser": 1000, "runAsGroup": 1000, "runAsNonRoot": True, "fsGroup": 2000},
        terminationGrace="1s",
        rollout={"strategy": "ROLLING", "maxSurge": "50%", "maxUnavailable": "0", "deadline": "2m"},
    )

    found = await everything(place)
    deployment, service = found["Deployment churn"], found["Service churn"]
    template, made = deployment["spec"]["template"], container(deployment)
    spec = template["spec"]
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["progressDeadlineSeconds"] == 120
    rolling = {"maxSurge": "50%", "maxUnavailable": 0}
    assert deployment["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": rolling}
    for metadata in (deployment["metadata"], template["metadata"], service["metadata"]):
        assert metadata["labels"]["team"] == "ml"
        assert metadata["annotations"]["or.example/owner"] == "ada"
    assert (made["image"], made["imagePullPolicy"]) == ("nexus-test/echo:2", "IfNotPresent")
    assert made["resources"] == {
        "requests": {"cpu": "20m", "memory": "16Mi"},
        "limits": {"cpu": "500m", "memory": "64Mi"},
    }
    assert spec["serviceAccountName"] == "reader"
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"} in spec["tolerations"]
    assert spec["terminationGracePeriodSeconds"] == 1
    assert spec["securityContext"] == {"runAsUser": 1000, "runAsGroup": 1000, "runAsNonRoot": True, "fsGroup": 2000}
    assert {(one["name"], one["containerPort"], one["protocol"]) for one in made["ports"]} == {
        ("http", 8080, "TCP"),
        ("dns", 5353, "UDP"),
        ("admin", 9000, "TCP"),
    }
    assert {(one["name"], one["port"], one["targetPort"], one["protocol"]) for one in service["spec"]["ports"]} == {
        ("http", 80, 8080, "TCP"),
        ("dns", 53, 5353, "UDP"),
    }
    assert made["readinessProbe"]["httpGet"] | {"scheme": ""} == {"path": "/healthz", "port": 8080, "scheme": ""}
    assert [made["readinessProbe"][key] for key in ("periodSeconds", "timeoutSeconds", "failureThreshold")] == [1, 2, 4]
    assert (made["livenessProbe"]["tcpSocket"], made["livenessProbe"]["initialDelaySeconds"]) == ({"port": 8080}, 7)
    assert made["startupProbe"]["exec"] == {"command": ["/bin/ls", "/tmp"]}

    # And as the program in the container sees it.
    (pod, _) = await place.pods()
    say = 'cat /etc/or/motd; echo "$PLAIN"; echo "$WHERE"; echo "$USER"; tr "\\0" "\\n" </proc/1/cmdline'
    inside = await place.kubectl(
        "exec", pod["metadata"]["name"], "--", "/bin/busybox", "sh", "-c", say.replace("tr ", "/bin/busybox tr ")
    )
    lines = inside.splitlines()
    assert lines[:4] == ["hello churn", "a $(PLAIN) $$ b", "or/local/models/churn ${project}", "or"]
    assert lines[-3:] == ["first", "$(NOT_A_VARIABLE)", "$$"]
    assert (await place.nexus.state(path))["status"] == "HEALTHY"


async def test_read_only_file_system_and_recreation_should_be_applied(place: Place) -> None:
    await place.nexus.deploy(
        await place.declare(
            securityContext={"readOnlyRootFilesystem": True}, rollout={"strategy": "RECREATE"}, image={"tag": "2"}
        )
    )

    (deployment,) = await place.eventually(lambda found: found, "deployments")
    assert container(deployment)["securityContext"] == {"readOnlyRootFilesystem": True}
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


async def test_what_is_declared_no_more_should_go_and_what_others_made_should_stay(place: Place) -> None:
    file = {"name": "motd", "mountPath": "/etc/motd", "text": "hello"}
    path = await place.run(env=[secret("PASSWORD", "hunter2"), text("LEVEL", "info")], files=[file])
    await place.kubectl("create", "secret", "generic", "foreign", "--from-literal=a=b")
    assert {"Secret churn-env", "ConfigMap churn-files", "Service churn"} <= (await everything(place)).keys()

    readiness = {"command": ["/bin/ls"], "period": "1s"}
    patch = {"remove": ["ports.http"], "inherit": ["env.PASSWORD", "files.motd"], "probes": {"readiness": readiness}}
    await place.nexus.deployed(path, patch)

    left = {name for name in await everything(place) if not name.startswith(("Pod ", "ReplicaSet "))}
    assert left == {"Deployment churn", "Secret foreign", "ConfigMap kube-root-ca.crt"}
    found = await everything(place)
    assert container(found["Deployment churn"])["env"] == [{"name": "LEVEL", "value": "info"}]


FOREIGN: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "churn"},
    "spec": {
        "ports": [{"name": "http", "port": 8080, "targetPort": 8080, "protocol": "TCP"}],
        "selector": {"app": "x"},
    },
}


async def conflict(place: Place, path: str) -> Answered:
    """How a deployment ends that meets what is not its own."""
    ended = await place.nexus.end(await place.nexus.deploy(path))
    assert (ended["status"], ended["failure"]["reason"]) == ("FAILED", "Conflict"), ended
    assert "takeOver" in ended["failure"]["remedy"]
    failure: Answered = ended["failure"]
    return failure


async def dry_run_conflict(place: Place, path: str) -> None:
    """A dry run says the same, as a problem, and writes nothing."""
    assert [one["code"] for one in await place.nexus.refused(path, dryRun=True)] == ["CONFLICT"]


async def test_object_that_somebody_made_should_be_a_conflict_until_it_is_taken_over(place: Place) -> None:
    await place.make_namespace()
    await place.apply(FOREIGN)
    before = (await everything(place))["Service churn"]
    path = await place.declare(env=[secret("PASSWORD", "hunter2")])

    await dry_run_conflict(place, path)
    failure = await conflict(place, path)

    assert "`churn`" in failure["message"]
    found = await everything(place)
    assert found.pop("Service churn") == before
    assert found.keys() == {"ConfigMap kube-root-ca.crt"}

    await place.nexus.deployed(path, takeOver=True)
    taken = (await everything(place))["Service churn"]
    assert taken["metadata"]["uid"] == before["metadata"]["uid"]
    await until_answering(place, "churn")


async def until_answering(place: Place, host: str) -> None:
    """Wait until the address of a Service answers, seen from a pod."""
    (pod, *_) = await place.pods()
    inquiry = ("exec", pod["metadata"]["name"], "--", "/bin/busybox")

    async def answers() -> bool:
        try:
            # Static busybox looks names up in its nslookup alone, and its wget goes to loopback only.
            said = await place.kubectl(*inquiry, "nslookup", f"{host}.{place.kubernetes}.svc.cluster.local")
            address = said.rstrip().rpartition("Address:")[2].split()[0]
            ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | /bin/busybox nc -w 2 {address} 8080"
            return "echo 1" in await place.kubectl(*inquiry, "sh", "-c", ask)
        except (AssertionError, IndexError):  # no address as yet
            return False

    await until(answers)


async def test_object_of_another_installation_should_be_a_conflict_and_never_be_pruned(place: Place) -> None:
    path = await place.run(env=[secret("PASSWORD", "hunter2")])
    found = await everything(place)
    labels = found["Secret churn-env"]["metadata"]["labels"]
    (label,) = [name for name in labels if INSTALLATION.search(name)]
    await place.kubectl("label", "--overwrite", "secret", "churn-env", f"{label}=another")
    before = (await everything(place))["Secret churn-env"]

    failure = await conflict(place, path)

    assert "another installation" in failure["message"]
    await place.nexus.deployed(path, {"inherit": ["env.PASSWORD"]})
    assert (await everything(place))["Secret churn-env"] == before
    await place.nexus.succeeded(await place.nexus.remove(path))
    assert (await everything(place))["Secret churn-env"] == before


async def test_field_of_another_manager_should_be_named_and_kept_until_taken_over(place: Place) -> None:
    path = await place.run()
    patch = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}}
    await place.kubectl("patch", "deployment", "churn", "--field-manager=her-editor", "-p", json.dumps(patch))
    before = (await everything(place))["Deployment churn"]["spec"]

    await dry_run_conflict(place, path)
    failure = await conflict(place, path)

    assert "her-editor" in failure["message"]
    assert "terminationGracePeriodSeconds" in failure["message"]
    assert (await everything(place))["Deployment churn"]["spec"] == before
    await place.nexus.deployed(path, takeOver=True)
    spec = (await everything(place))["Deployment churn"]["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 0


async def test_service_reference_should_be_an_address_that_resolves_in_the_cluster(place: Place) -> None:
    await place.run("features")
    reference = {"name": "FEATURES_URL", "value": {"service": {"ref": "features"}}}
    path = await place.run("churn", env=[reference])

    (deployment,) = [one for one in await place.items("deployments") if one["metadata"]["name"] == "churn"]
    url = f"http://features.{place.kubernetes}:8080"
    assert container(deployment)["env"] == [{"name": "FEATURES_URL", "value": url}]
    field = "effective { settings { env { value { ... on ServiceValue { ref url application { path } } } } } }"
    found = await place.nexus.application(path, field)
    (variable,) = found["effective"]["settings"]["env"]
    assert variable["value"]["application"] == {"path": f"{place.path}/features"}
    assert variable["value"]["url"] == url
    await until_answering(place, "features")


async def test_namespace_that_is_terminating_should_be_told_and_waited_for_by_nobody(place: Place) -> None:
    await place.make_namespace()
    await place.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["or.example/hold"]}}
    )
    await place.kubectl("delete", "namespace", place.kubernetes, "--wait=false")
    path = await place.declare()
    try:
        failure = await place.nexus.failed(await place.nexus.deploy(path))
        assert re.search(r"terminat|being deleted", failure["message"])
        assert failure["remedy"]
    finally:
        await place.kubectl(
            "patch", "configmap", "held", "--type=json", '-p=[{"op":"remove","path":"/metadata/finalizers"}]'
        )
    await asyncio.to_thread(
        place.cluster.kubectl, "wait", "--for=delete", f"namespace/{place.kubernetes}", "--timeout=110s"
    )
    await place.nexus.deployed(path)


class TestRefusedObject:
    """One object of several is refused: nothing is written at all."""

    @pytest.fixture
    def kubeconfig(self, proxy: Proxy) -> str:
        return proxy.kubeconfig

    @pytest.mark.parametrize(
        ("answer", "reason", "words"),
        [
            (Answer(403, "Forbidden", "secrets are not yours"), "Forbidden", "secrets are not yours|may not"),
            (Answer(422, "Invalid", "spec.replicas: too odd"), "Invalid", "too odd"),
        ],
        ids=["403", "422"],
    )
    async def test_nothing_should_be_written_where_one_object_is_refused(
        self, place: Place, proxy: Proxy, answer: Answer, reason: str, words: str
    ) -> None:
        await place.make_namespace()
        path = await place.declare(
            env=[secret("PASSWORD", "hunter2")], files=[{"name": "motd", "mountPath": "/etc/motd", "text": "hello"}]
        )
        proxy.answer("PATCH", ".*/deployments/churn", answer)

        failure = await place.nexus.failed(await place.nexus.deploy(path))

        assert failure["reason"] == reason
        assert re.search(words, failure["message"])
        assert failure["remedy"]
        assert (await everything(place)).keys() == {"ConfigMap kube-root-ca.crt"}
        proxy.answer_truly()
        await place.nexus.deployed(path)

    async def test_nothing_should_be_written_where_one_object_is_in_conflict(self, place: Place, proxy: Proxy) -> None:
        await place.make_namespace()
        await place.apply(FOREIGN)
        path = await place.declare(env=[secret("PASSWORD", "hunter2")])
        proxy.forget()

        await conflict(place, path)

        assert (await everything(place)).keys() == {"ConfigMap kube-root-ca.crt", "Service churn"}
