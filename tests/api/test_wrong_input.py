"""Wrong input of every kind that the contract lets in: a Problem with the exact path, and nothing is stored."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nexus_gql.access import MUTATIONS

from .server import Nexus

CHURN = "or/local/models/churn"

DOCUMENTS = {
    "createProject": "($input: CreateProjectInput!) { createProject(input: $input)",
    "createEnvironment": "($input: CreateEnvironmentInput!) { createEnvironment(input: $input)",
    "cloneEnvironment": "($path: Path!, $name: String!, $cluster: String) { cloneEnvironment(path: $path, name: $name, cluster: $cluster)",
    "createNamespace": "($input: CreateNamespaceInput!) { createNamespace(input: $input)",
    "createApplication": "($input: CreateApplicationInput!) { createApplication(input: $input)",
    "updateLevel": "($path: Path!, $input: UpdateLevelInput!, $expectedVersion: Int) { updateLevel(path: $path, input: $input, expectedVersion: $expectedVersion)",
    "deleteLevel": "($path: Path!) { deleteLevel(path: $path)",
    "configure": "($path: Path!, $patch: SettingsPatch!, $expectedVersion: Int) { configure(path: $path, patch: $patch, expectedVersion: $expectedVersion)",
    "deploy": "($path: Path!, $patch: SettingsPatch, $options: OperationOptions) { deploy(path: $path, patch: $patch, options: $options)",
    "scale": "($path: Path!, $replicas: Int!, $options: OperationOptions) { scale(path: $path, replicas: $replicas, options: $options)",
    "run": "($path: Path!, $options: OperationOptions) { run(path: $path, options: $options)",
    "restart": "($path: Path!, $options: OperationOptions) { restart(path: $path, options: $options)",
    "remove": "($path: Path!, $options: OperationOptions) { remove(path: $path, options: $options)",
    "cancelOperation": "($id: ID!) { cancelOperation(id: $id)",
    "registerCluster": "($name: String!, $input: ClusterInput!) { registerCluster(name: $name, input: $input)",
    "updateCluster": "($name: String!, $input: ClusterInput!) { updateCluster(name: $name, input: $input)",
    "removeCluster": "($name: String!) { removeCluster(name: $name)",
    "declareWorkflow": "($environment: Path!, $name: String!, $displayName: String, $requires: [Path!]!, $url: String) { declareWorkflow(environment: $environment, name: $name, displayName: $displayName, requires: $requires, url: $url)",
    "removeWorkflow": "($environment: Path!, $name: String!) { removeWorkflow(environment: $environment, name: $name)",
    "grant": "($subject: String!, $role: Role!, $path: Path) { grant(subject: $subject, role: $role, path: $path)",
    "createToken": "($name: String!, $role: Role!, $path: Path, $expiresIn: Duration) { createToken(name: $name, role: $role, path: $path, expiresIn: $expiresIn)",
    "revokeToken": "($id: ID!) { revokeToken(id: $id)",
}


class Wrong(NamedTuple):
    """A mutation with its arguments, and the problems it should answer with: code and path."""

    mutation: str
    given: dict[str, Any]
    problems: list[tuple[str, str]]


def project(**given: Any) -> dict[str, Any]:
    return {"input": {"name": "new"} | given}


def environment(**given: Any) -> dict[str, Any]:
    return {"input": {"project": "or", "name": "new"} | given}


def namespace(**given: Any) -> dict[str, Any]:
    return {"input": {"environment": "or/local", "name": "new"} | given}


def app(**given: Any) -> dict[str, Any]:
    return {"input": {"namespace": "or/local/models", "name": "new"} | given}


def patch(**given: Any) -> dict[str, Any]:
    return {"path": CHURN, "patch": given}


def flow(**given: Any) -> dict[str, Any]:
    return {"environment": "or/local", "name": "nightly", "requires": [CHURN]} | given


def invalid(*paths: str) -> list[tuple[str, str]]:
    return [("INVALID", path) for path in paths]


def kubeconfig(cluster: str = "", user: str = "token: t", **more: Any) -> dict[str, Any]:
    content = f"""{{clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:1"{cluster}}}}}], current-context: x,
      contexts: [{{name: x, context: {{cluster: c, user: u}}}}], users: [{{name: u, user: {{{user}}}}}]}}"""
    return {"name": "dev", "input": {"kubeconfig": {"content": content} | more}}


CONTENT = "input.kubeconfig.content"
LONG = "x" * 10_001
NOBODY = "00000000-0000-0000-0000-000000000000"

CASES = {
    # ── names ──
    "upper case": Wrong("createProject", project(name="OR"), invalid("input.name")),
    "no name": Wrong("createProject", project(name=""), invalid("input.name")),
    "name with a slash": Wrong("createProject", project(name="or/two"), invalid("input.name")),
    "name with a newline": Wrong("createProject", project(name="new\n"), invalid("input.name")),
    "64 letters": Wrong("createEnvironment", environment(name="a" * 64), invalid("input.name")),
    "hyphen at an end": Wrong("createNamespace", namespace(name="-new"), invalid("input.name")),
    "digit before an application": Wrong("createApplication", app(name="1new"), invalid("input.name")),
    "taken project": Wrong("createProject", project(name="or"), [("ALREADY_EXISTS", "input.name")]),
    "taken application": Wrong("createApplication", app(name="churn"), [("ALREADY_EXISTS", "input.name")]),
    "long display name": Wrong("createProject", project(displayName="x" * 256), invalid("input.displayName")),
    "NUL in a description": Wrong("createApplication", app(description="a\0"), invalid("input.description")),
    "long description": Wrong(
        "updateLevel", {"path": "or", "input": {"description": LONG}}, invalid("input.description")
    ),
    # ── copies ──
    "copy under a taken name": Wrong(
        "cloneEnvironment", {"path": "or/local", "name": "local"}, [("ALREADY_EXISTS", "name")]
    ),
    "copy under no name": Wrong("cloneEnvironment", {"path": "or/local", "name": ""}, invalid("name")),
    "copy under a path": Wrong("cloneEnvironment", {"path": "or/local", "name": "a/b"}, invalid("name")),
    "copy of a project": Wrong("cloneEnvironment", {"path": "or", "name": "new"}, invalid("path")),
    "copy of a namespace": Wrong("cloneEnvironment", {"path": "or/local/models", "name": "new"}, invalid("path")),
    "copy of nothing": Wrong("cloneEnvironment", {"path": "or/no", "name": "new"}, [("NOT_FOUND", "path")]),
    "copy of a malformed path": Wrong("cloneEnvironment", {"path": "/or", "name": "new"}, [("NOT_FOUND", "path")]),
    "copy onto no such cluster": Wrong(
        "cloneEnvironment", {"path": "or/local", "name": "new", "cluster": "no"}, [("NOT_FOUND", "cluster")]
    ),
    # ── parents and paths ──
    "no such project": Wrong("createEnvironment", environment(project="no"), [("NOT_FOUND", "input.project")]),
    "environment as a project": Wrong(
        "createEnvironment", environment(project="or/local"), [("NOT_FOUND", "input.project")]
    ),
    "no such environment": Wrong(
        "createNamespace", namespace(environment="or/no"), [("NOT_FOUND", "input.environment")]
    ),
    "no such namespace": Wrong("createApplication", app(namespace="or/local/no"), [("NOT_FOUND", "input.namespace")]),
    "malformed path to configure": Wrong("configure", {"path": "Or//x", "patch": {}}, [("NOT_FOUND", "path")]),
    "empty path to configure": Wrong("configure", {"path": "", "patch": {}}, [("NOT_FOUND", "path")]),
    "malformed path to update": Wrong("updateLevel", {"path": "/or", "input": {}}, [("NOT_FOUND", "path")]),
    "malformed path to delete": Wrong("deleteLevel", {"path": "or/"}, [("NOT_FOUND", "path")]),
    "five segments": Wrong("deploy", {"path": f"{CHURN}/x"}, [("NOT_FOUND", "path")]),
    "grant at a malformed path": Wrong(
        "grant", {"subject": "a", "role": "VIEWER", "path": "O R"}, [("NOT_FOUND", "path")]
    ),
    "token at no level": Wrong("createToken", {"name": "t", "role": "VIEWER", "path": "no"}, [("NOT_FOUND", "path")]),
    # ── what only some levels have ──
    "stage of a project": Wrong("updateLevel", {"path": "or", "input": {"stage": "LOCAL"}}, invalid("input.stage")),
    "concern of an application": Wrong(
        "updateLevel", {"path": CHURN, "input": {"concern": "MDK"}}, invalid("input.concern")
    ),
    "kind of a namespace": Wrong(
        "updateLevel", {"path": "or/local/models", "input": {"kind": "MODEL"}}, invalid("input.kind")
    ),
    "cluster of a namespace": Wrong(
        "updateLevel", {"path": "or/local/models", "input": {"cluster": None}}, invalid("input.cluster")
    ),
    "no stage": Wrong("updateLevel", {"path": "or/local", "input": {"stage": None}}, invalid("input.stage")),
    "no kind": Wrong("updateLevel", {"path": CHURN, "input": {"kind": None}}, invalid("input.kind")),
    "one of two fields wrong": Wrong(
        "updateLevel",
        {"path": CHURN, "input": {"displayName": "x" * 256, "stage": "LOCAL"}},
        invalid("input.displayName", "input.stage"),
    ),
    "stale version": Wrong(
        "updateLevel",
        {"path": "or", "input": {"description": "x"}, "expectedVersion": 9},
        [("CONFLICT", "expectedVersion")],
    ),
    "stale version of settings": Wrong(
        "configure", patch(replicas=2) | {"expectedVersion": 0}, [("CONFLICT", "expectedVersion")]
    ),
    # ── Kubernetes names ──
    "malformed Kubernetes name": Wrong(
        "createNamespace", namespace(kubernetesName="A_b"), invalid("input.kubernetesName")
    ),
    "empty Kubernetes name": Wrong("createNamespace", namespace(kubernetesName=""), invalid("input.kubernetesName")),
    "reserved Kubernetes name": Wrong(
        "createNamespace", namespace(kubernetesName="kube-system"), invalid("input.kubernetesName")
    ),
    "taken Kubernetes name": Wrong(
        "createNamespace", namespace(kubernetesName="or-local-models"), [("ALREADY_EXISTS", "input.kubernetesName")]
    ),
    # ── settings ──
    "negative replicas": Wrong("configure", patch(replicas=-1), invalid("patch.replicas")),
    "too many replicas": Wrong("configure", patch(replicas=2**31 - 1), invalid("patch.replicas")),
    "empty image": Wrong("configure", patch(image={"repository": ""}), invalid("patch.image.repository")),
    "image with its tag": Wrong(
        "configure", patch(image={"repository": "or/churn:1"}), invalid("patch.image.repository")
    ),
    "empty tag": Wrong("configure", patch(image={"tag": ""}), invalid("patch.image.tag")),
    "malformed digest": Wrong("configure", patch(image={"digest": "sha256:1"}), invalid("patch.image.digest")),
    "unknown pull policy": Wrong(
        "configure", patch(image={"pullPolicy": "Sometimes"}), invalid("patch.image.pullPolicy")
    ),
    "two faults": Wrong(
        "configure", patch(image={"tag": "", "digest": ""}), invalid("patch.image.tag", "patch.image.digest")
    ),
    "no quantity": Wrong("configure", patch(resources={"cpuRequest": "much"}), invalid("patch.resources.cpuRequest")),
    "negative quantity": Wrong(
        "configure", patch(resources={"memoryLimit": "-1Gi"}), invalid("patch.resources.memoryLimit")
    ),
    "request over its limit": Wrong(
        "configure", patch(resources={"cpuRequest": "2", "cpuLimit": "1"}), invalid("patch.resources.cpuRequest")
    ),
    "negative GPUs": Wrong("configure", patch(resources={"gpus": -1}), invalid("patch.resources.gpus")),
    "a port twice": Wrong(
        "configure", patch(ports=[{"name": "a", "port": 80}, {"name": "b", "port": 80}]), invalid("patch.ports.1.port")
    ),
    "a port's name twice": Wrong(
        "configure", patch(ports=[{"name": "a", "port": 80}, {"name": "a", "port": 81}]), invalid("patch.ports.1.name")
    ),
    "port 0": Wrong("configure", patch(ports=[{"name": "a", "port": 0}]), invalid("patch.ports.0.port")),
    "port 65536": Wrong(
        "configure", patch(ports=[{"name": "a", "port": 80, "targetPort": 65536}]), invalid("patch.ports.0.targetPort")
    ),
    "unknown protocol": Wrong(
        "configure", patch(ports=[{"name": "a", "port": 80, "protocol": "ICMP"}]), invalid("patch.ports.0.protocol")
    ),
    "malformed port name": Wrong(
        "configure", patch(ports=[{"name": "HTTP", "port": 80}]), invalid("patch.ports.0.name")
    ),
    "malformed variable": Wrong(
        "configure",
        patch(env=[{"name": "A", "value": {"text": ""}}, {"name": "1 B", "value": {"text": ""}}]),
        invalid("patch.env.1.name"),
    ),
    "variable twice": Wrong(
        "configure",
        patch(env=[{"name": "A", "value": {"text": ""}}, {"name": "A", "value": {"text": ""}}]),
        invalid("patch.env.1.name"),
    ),
    "malformed reference": Wrong(
        "configure",
        patch(env=[{"name": "A", "value": {"service": {"ref": "a/b/c"}}}]),
        invalid("patch.env.0.value.service.ref"),
    ),
    "malformed name of a Secret": Wrong(
        "configure",
        patch(env=[{"name": "A", "value": {"secretKey": {"secret": "A B", "key": ""}}}]),
        invalid("patch.env.0.value.secretKey.secret", "patch.env.0.value.secretKey.key"),
    ),
    "NUL in a text": Wrong(
        "configure", patch(env=[{"name": "A", "value": {"text": "\0"}}]), invalid("patch.env.0.value.text")
    ),
    "malformed duration": Wrong("configure", patch(terminationGrace="soon"), invalid("patch.terminationGrace")),
    "half a second": Wrong("configure", patch(terminationGrace="500ms"), invalid("patch.terminationGrace")),
    "negative duration": Wrong("configure", patch(rollout={"deadline": "-5s"}), invalid("patch.rollout.deadline")),
    "no share of pods": Wrong("configure", patch(rollout={"maxSurge": "101%"}), invalid("patch.rollout.maxSurge")),
    "a rollout that cannot begin": Wrong(
        "configure", patch(rollout={"maxSurge": "0"}), invalid("patch.rollout.maxSurge")
    ),
    "a probe in two ways": Wrong(
        "configure", patch(probes={"liveness": {"httpPath": "/", "tcp": True}}), invalid("patch.probes.liveness.tcp")
    ),
    "a probe in no way": Wrong("configure", patch(probes={"liveness": {}}), invalid("patch.probes.liveness")),
    "a probe of no port": Wrong(
        "configure", patch(probes={"liveness": {"tcp": True, "port": "grpc"}}), invalid("patch.probes.liveness.port")
    ),
    "a relative mount": Wrong(
        "configure", patch(files=[{"name": "f", "mountPath": "etc/f", "text": ""}]), invalid("patch.files.0.mountPath")
    ),
    "malformed label": Wrong(
        "configure", patch(labels=[{"name": "a b", "value": "x"}]), invalid("patch.labels.0.name")
    ),
    "malformed label value": Wrong(
        "configure", patch(labels=[{"name": "a", "value": "x y"}]), invalid("patch.labels.0.value")
    ),
    "a label of Nexus's own": Wrong(
        "configure",
        patch(labels=[{"name": "nexus.optimal-reality.io/path", "value": "x"}]),
        invalid("patch.labels.0.name"),
    ),
    "malformed toleration": Wrong(
        "configure", patch(tolerations=[{"key": "a", "operator": "Maybe"}]), invalid("patch.tolerations.0.operator")
    ),
    "a negative user": Wrong(
        "configure", patch(securityContext={"runAsUser": -1}), invalid("patch.securityContext.runAsUser")
    ),
    "root that is refused": Wrong(
        "configure",
        patch(securityContext={"runAsUser": 0, "runAsNonRoot": True}),
        invalid("patch.securityContext.runAsUser"),
    ),
    "malformed account": Wrong("configure", patch(serviceAccount="A"), invalid("patch.serviceAccount")),
    "NUL in a command": Wrong("configure", patch(command=["a", "\0"]), invalid("patch.command.1")),
    "unknown key to inherit": Wrong("configure", patch(inherit=["replicas", "replica"]), invalid("patch.inherit.1")),
    "part of one value to inherit": Wrong("configure", patch(inherit=["replicas.x"]), invalid("patch.inherit.0")),
    "unknown field to remove": Wrong("configure", patch(remove=["image.name"]), invalid("patch.remove.0")),
    "malformed variable to remove": Wrong("configure", patch(remove=["env."]), invalid("patch.remove.0")),
    "set and inherited": Wrong("configure", patch(replicas=2, inherit=["replicas"]), invalid("patch.inherit.0")),
    "set and removed": Wrong("configure", patch(image={"tag": "1"}, remove=["image.tag"]), invalid("patch.remove.0")),
    "inherited and removed": Wrong("configure", patch(inherit=["args"], remove=["args"]), invalid("patch.inherit.0")),
    "wrong settings of a new level": Wrong(
        "createApplication",
        app(settings={"replicas": -1, "image": {"tag": ""}}),
        invalid("input.settings.image.tag", "input.settings.replicas"),
    ),
    "wrong name and settings": Wrong(
        "createProject", project(name="", settings={"replicas": -1}), invalid("input.name", "input.settings.replicas")
    ),
    # ── clusters ──
    "no such cluster": Wrong("createEnvironment", environment(cluster="no"), [("NOT_FOUND", "input.cluster")]),
    "cluster and connect": Wrong(
        "createEnvironment", environment(cluster="a", connect={"kind": {"name": "b"}}), invalid("input.connect")
    ),
    "connect to nothing": Wrong(
        "createEnvironment", environment(connect={"kind": {"name": "b"}}), [("UNREACHABLE", "input.connect")]
    ),
    "connect by a program": Wrong(
        "createEnvironment",
        environment(connect=kubeconfig(user="exec: {command: sh}")["input"]),
        invalid("input.connect.kubeconfig.content"),
    ),
    "no such cluster to move to": Wrong(
        "updateLevel", {"path": "or/local", "input": {"cluster": "no"}}, [("NOT_FOUND", "input.cluster")]
    ),
    "malformed cluster name": Wrong(
        "registerCluster", {"name": "A B", "input": {"kind": {"name": "b"}}}, invalid("name")
    ),
    "a KinD cluster that is not there": Wrong(
        "registerCluster", {"name": "b", "input": {"kind": {"name": "b"}}}, [("UNREACHABLE", "input")]
    ),
    "a program": Wrong("registerCluster", kubeconfig(user="exec: {command: sh}"), invalid(CONTENT)),
    "a helper": Wrong("registerCluster", kubeconfig(user="auth-provider: {name: gcp}"), invalid(CONTENT)),
    "a certificate in a file": Wrong(
        "registerCluster", kubeconfig(user="client-certificate: /etc/passwd"), invalid(CONTENT)
    ),
    "a token in a file": Wrong("registerCluster", kubeconfig(user="tokenFile: /etc/passwd"), invalid(CONTENT)),
    "an authority in a file": Wrong(
        "registerCluster", kubeconfig(cluster=", certificate-authority: /x"), invalid(CONTENT)
    ),
    "a proxy": Wrong("registerCluster", kubeconfig(cluster=", proxy-url: 'http://127.0.0.1:1'"), invalid(CONTENT)),
    "no such context": Wrong("registerCluster", kubeconfig(context="y"), invalid(CONTENT)),
    "no YAML": Wrong("registerCluster", {"name": "dev", "input": {"kubeconfig": {"content": "{"}}}, invalid(CONTENT)),
    "empty content": Wrong(
        "registerCluster", {"name": "dev", "input": {"kubeconfig": {"content": ""}}}, invalid(CONTENT)
    ),
    "neither path nor content": Wrong(
        "registerCluster", {"name": "dev", "input": {"kubeconfig": {}}}, invalid("input.kubeconfig")
    ),
    "path and content": Wrong("registerCluster", kubeconfig(path="x"), invalid("input.kubeconfig")),
    "a path that is not allowed": Wrong(
        "registerCluster",
        {"name": "dev", "input": {"kubeconfig": {"path": "/etc/passwd"}}},
        invalid("input.kubeconfig.path"),
    ),
    "nobody answers": Wrong("registerCluster", kubeconfig(), [("UNREACHABLE", "input")]),
    "no such cluster to update": Wrong(
        "updateCluster", {"name": "no", "input": {"kind": {"name": "b"}}}, [("NOT_FOUND", "name")]
    ),
    "no such cluster to remove": Wrong("removeCluster", {"name": "no"}, [("NOT_FOUND", "name")]),
    # ── operations ──
    "deploy a namespace": Wrong("deploy", {"path": "or/local/models"}, [("UNSUPPORTED", "path")]),
    "deploy a project": Wrong("deploy", {"path": "or"}, [("UNSUPPORTED", "path")]),
    "deploy nothing": Wrong("deploy", {"path": "or/local/models/no"}, [("NOT_FOUND", "path")]),
    "deploy without image and cluster": Wrong("deploy", {"path": CHURN}, invalid("path", "path")),
    "deploy without cluster": Wrong(
        "deploy", {"path": CHURN, "patch": {"image": {"repository": "a"}}}, invalid("path")
    ),
    "deploy a wrong patch": Wrong("deploy", {"path": CHURN, "patch": {"replicas": -1}}, invalid("patch.replicas")),
    "deploy a missing reference": Wrong(
        "deploy",
        {
            "path": CHURN,
            "patch": {"image": {"repository": "a"}, "env": [{"name": "A", "value": {"service": {"ref": "no"}}}]},
        },
        [("INVALID", "path"), ("MISSING_REFERENCE", "patch.env.0")],
    ),
    "deploy a stale version": Wrong(
        "deploy", {"path": CHURN, "options": {"expectedVersion": 9}}, [("CONFLICT", "options.expectedVersion")]
    ),
    "a long reason": Wrong("deploy", {"path": CHURN, "options": {"reason": "x" * 4001}}, invalid("options.reason")),
    "a long requestId": Wrong(
        "restart", {"path": CHURN, "options": {"requestId": "x" * 256}}, invalid("options.requestId")
    ),
    "NUL in a reason": Wrong("remove", {"path": CHURN, "options": {"reason": "\0"}}, invalid("options.reason")),
    "scale to less than none": Wrong("scale", {"path": CHURN, "replicas": -1}, invalid("replicas")),
    "scale what is not deployed": Wrong("scale", {"path": CHURN, "replicas": 2}, invalid("path")),
    "scale a level": Wrong("scale", {"path": "or", "replicas": 2}, [("UNSUPPORTED", "path")]),
    "run what goes on running": Wrong("run", {"path": CHURN}, [("UNSUPPORTED", "path")]),
    "run with a requestId that is too long": Wrong(
        "run", {"path": CHURN, "options": {"requestId": "x" * 256}}, invalid("options.requestId")
    ),
    "restart what is not deployed": Wrong("restart", {"path": CHURN}, invalid("path")),
    "remove what is not deployed": Wrong("remove", {"path": CHURN}, invalid("path")),
    "remove nothing": Wrong("remove", {"path": "no"}, [("NOT_FOUND", "path")]),
    "cancel a malformed id": Wrong("cancelOperation", {"id": "Operation"}, invalid("id")),
    "cancel another type's id": Wrong("cancelOperation", {"id": f"Cluster:{NOBODY}"}, invalid("id")),
    "cancel nothing": Wrong("cancelOperation", {"id": f"Operation:{NOBODY}"}, [("NOT_FOUND", "id")]),
    # ── access ──
    "grant to nobody": Wrong("grant", {"subject": " ", "role": "VIEWER"}, invalid("subject")),
    "grant to a long name": Wrong("grant", {"subject": "x" * 256, "role": "VIEWER"}, invalid("subject")),
    "grant to the operator": Wrong("grant", {"subject": "operator", "role": "NONE"}, invalid("subject")),
    "a token without a name": Wrong("createToken", {"name": "", "role": "VIEWER"}, invalid("name")),
    "a token for nothing": Wrong("createToken", {"name": "t", "role": "NONE"}, invalid("role")),
    "a token that ends at once": Wrong(
        "createToken", {"name": "t", "role": "VIEWER", "expiresIn": "0s"}, invalid("expiresIn")
    ),
    "a token with a malformed end": Wrong(
        "createToken", {"name": "t", "role": "VIEWER", "expiresIn": "tomorrow"}, invalid("expiresIn")
    ),
    "a token without end": Wrong(
        "createToken", {"name": "t", "role": "VIEWER", "expiresIn": "9" * 400 + "h"}, invalid("expiresIn")
    ),
    # ── workflows ──
    "workflow of nothing": Wrong("declareWorkflow", flow(environment="or/no"), [("NOT_FOUND", "environment")]),
    "workflow of a malformed path": Wrong("declareWorkflow", flow(environment="/or"), [("NOT_FOUND", "environment")]),
    "workflow of a project": Wrong("declareWorkflow", flow(environment="or"), [("NOT_FOUND", "environment")]),
    "workflow of a namespace": Wrong(
        "declareWorkflow", flow(environment="or/local/models"), [("NOT_FOUND", "environment")]
    ),
    "workflow of an application": Wrong("declareWorkflow", flow(environment=CHURN), [("NOT_FOUND", "environment")]),
    "workflow without a name": Wrong("declareWorkflow", flow(name=""), invalid("name")),
    "workflow in capitals": Wrong("declareWorkflow", flow(name="Nightly"), invalid("name")),
    "workflow with a slash": Wrong("declareWorkflow", flow(name="a/b"), invalid("name")),
    "workflow with a newline": Wrong("declareWorkflow", flow(name="a\n"), invalid("name")),
    "workflow with a dot": Wrong("declareWorkflow", flow(name="a.b"), invalid("name")),
    "workflow with 64 letters": Wrong("declareWorkflow", flow(name="a" * 64), invalid("name")),
    "workflow with letters of another alphabet": Wrong("declareWorkflow", flow(name="n\u00e4chtlich"), invalid("name")),
    "workflow with a long display name": Wrong("declareWorkflow", flow(displayName="x" * 256), invalid("displayName")),
    "workflow with NUL in its display name": Wrong("declareWorkflow", flow(displayName="a\0"), invalid("displayName")),
    "workflow that requires too many": Wrong(
        "declareWorkflow",
        flow(requires=[f"or/local/models/a{number}" for number in range(201)]),
        [("LIMIT", "requires")],
    ),
    "workflow that requires levels of every other kind": Wrong(
        "declareWorkflow",
        flow(requires=["or", CHURN, "or/local", "or/local/models", f"{CHURN}/x", ""]),
        invalid("requires.0", "requires.2", "requires.3", "requires.4", "requires.5"),
    ),
    "workflow that requires malformed paths": Wrong(
        "declareWorkflow",
        flow(requires=["OR/local/models/churn", "or/local/models/", "or/local/models/a b", "../../../etc"]),
        invalid("requires.0", "requires.1", "requires.2", "requires.3"),
    ),
    "workflow with a script for a link": Wrong("declareWorkflow", flow(url="javascript:alert(1)"), invalid("url")),
    "workflow with a script behind blanks": Wrong(
        "declareWorkflow", flow(url=" \tjavascript:alert(1)//http://a"), invalid("url")
    ),
    "workflow with a script in capitals": Wrong(
        "declareWorkflow", flow(url="JavaScript://a/%0aalert(1)"), invalid("url")
    ),
    "workflow with data for a link": Wrong("declareWorkflow", flow(url="data:text/html,<script>"), invalid("url")),
    "workflow with a file for a link": Wrong("declareWorkflow", flow(url="file:///etc/passwd"), invalid("url")),
    "workflow with half a link": Wrong("declareWorkflow", flow(url="//flows.example.org"), invalid("url")),
    "workflow with a link to nowhere": Wrong("declareWorkflow", flow(url="http://"), invalid("url")),
    "workflow with a malformed host": Wrong("declareWorkflow", flow(url="http://[a"), invalid("url")),
    "workflow with an empty link": Wrong("declareWorkflow", flow(url=""), invalid("url")),
    "workflow with a long link": Wrong("declareWorkflow", flow(url="http://a/" + "x" * 2000), invalid("url")),
    "workflow with NUL in its link": Wrong("declareWorkflow", flow(url="http://a/\0"), invalid("url")),
    "workflow with a newline in its link": Wrong("declareWorkflow", flow(url="http://a/\nb"), invalid("url")),
    "workflow with a password in its link": Wrong("declareWorkflow", flow(url="http://me:pass@a/"), invalid("url")),
    "workflow with everything wrong": Wrong(
        "declareWorkflow",
        flow(name="A", displayName="x" * 256, requires=["or"], url="ftp://a"),
        invalid("name", "displayName", "requires.0", "url"),
    ),
    "remove no such workflow": Wrong(
        "removeWorkflow", {"environment": "or/local", "name": "no"}, [("NOT_FOUND", "name")]
    ),
    "remove a workflow with an odd name": Wrong(
        "removeWorkflow", {"environment": "or/local", "name": "x\0" * 500}, [("NOT_FOUND", "name")]
    ),
    "remove a workflow of nothing": Wrong(
        "removeWorkflow", {"environment": "or/no", "name": "nightly"}, [("NOT_FOUND", "environment")]
    ),
    "revoke a malformed id": Wrong("revokeToken", {"id": "ApiToken:1"}, invalid("id")),
    "revoke nothing": Wrong("revokeToken", {"id": f"ApiToken:{NOBODY}"}, [("NOT_FOUND", "id")]),
}

pytestmark = pytest.mark.asyncio(loop_scope="module")


def stored(nexus: Nexus) -> str:
    """What the database holds, all of it."""
    file = Path(nexus.configuration.database.removeprefix("sqlite://"))
    with closing(sqlite3.connect(file)) as connection:
        # The number of changes counts transactions, those that were rolled back not among them.
        return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()


@pytest.mark.parametrize("wrong", CASES.values(), ids=CASES)
async def test_wrong_input_should_be_a_problem_at_its_place_and_nothing_stored(standing: Nexus, wrong: Wrong) -> None:
    before = stored(standing)
    document = f"mutation {DOCUMENTS[wrong.mutation]} {{ __typename problems {{ code message path remedy }} }} }}"
    answer = await standing.execute(document, wrong.given)
    problems = answer[wrong.mutation]["problems"]
    assert [(one["code"], ".".join(one["path"])) for one in problems] == wrong.problems, answer.text
    assert all(len(one["message"]) < 500 for one in problems)
    assert stored(standing) == before


async def test_every_mutation_should_have_a_wrong_input() -> None:
    assert {wrong.mutation for wrong in CASES.values()} == MUTATIONS.keys()


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("mutation { configure(path: 1, patch: {}) { changed } }", {}),
        ('mutation { configure(path: "or", patch: {replica: 1}) { changed } }', {}),
        ('mutation { configure(path: "or", patch: {replicas: "1"}) { changed } }', {}),
        ('mutation { configure(path: "or", patch: {}) { changed nothing } }', {}),
        ('mutation { configure(path: "or", patch: {}, force: true) { changed } }', {}),
        ('mutation { configure(path: "or") { changed } }', {}),
        ('mutation { configure(path: "or", patch: {rollout: {strategy: FAST}}) { changed } }', {}),
        ('mutation { configure(path: "or", patch: {env: [{name: "A", value: {}}]}) { changed } }', {}),
        ('mutation ($p: SettingsPatch!) { configure(path: "or", patch: $p) { changed } }', {"p": {"replica": 1}}),
        ('mutation ($p: SettingsPatch!) { configure(path: "or", patch: $p) { changed } }', {"p": {"replicas": 2**31}}),
        (
            'mutation ($p: SettingsPatch!) { configure(path: "or", patch: $p) { changed } }',
            {"p": {"terminationGrace": 5}},
        ),
        ('mutation ($p: SettingsPatch!) { configure(path: "or", patch: $p) { changed } }', {}),
        ('mutation ($i: ClusterInput!) { registerCluster(name: "a", input: $i) { problems { code } } }', {"i": {}}),
        (
            'mutation ($i: ClusterInput!) { registerCluster(name: "a", input: $i) { problems { code } } }',
            {"i": {"kind": {"name": "a"}, "kubeconfig": {}}},
        ),
        (
            'mutation ($i: ClusterInput!) { registerCluster(name: "a", input: $i) { problems { code } } }',
            {"i": {"kind": None}},
        ),
    ],
)
async def test_what_the_schema_does_not_let_in_should_be_a_bad_request_with_a_text(
    standing: Nexus, document: str, variables: dict[str, Any]
) -> None:
    answer = await standing.execute(document, variables)
    assert answer.data is None
    assert set(answer.codes) == {"BAD_REQUEST"}
    assert all(len(error["message"]) > 10 for error in answer.errors)


async def test_half_a_surrogate_pair_should_be_a_bad_request_wherever_it_stands(standing: Nexus) -> None:
    """JSON can spell it, and no database or cluster can hold it."""
    document = "mutation ($path: Path!, $text: String) { updateLevel(path: $path, input: {description: $text}) { problems { code } } }"
    for variables in ({"path": "or", "text": "\ud800"}, {"path": "\udfff", "text": ""}, {"\ud800": 1, "path": "or"}):
        answer = await standing.execute(document, variables)
        assert answer.codes == ["BAD_REQUEST"]


async def test_one_wrong_entry_should_keep_the_right_ones_from_being_stored(standing: Nexus) -> None:
    document = """mutation { configure(path: "or", patch: {replicas: 3, image: {tag: "", repository: "right"}}) {
      level { path } changed problems { path } } }"""
    answer = await standing.execute(document)
    assert answer["configure"] == {"level": None, "changed": [], "problems": [{"path": ["patch", "image", "tag"]}]}
    assert (await standing.execute('{ project(path: "or") { version settings { document } } }'))["project"] == {
        "version": 1,
        "settings": {"document": {}},
    }
