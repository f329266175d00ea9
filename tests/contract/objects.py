"""What the tests put onto a cluster."""

from typing import Any

from .apiserver import Object


def config_map(name: str, **data: str) -> Object:
    """A small object."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def template(app: str, image: str, *, container: Object | None = None, **spec: Any) -> Object:
    """A pod template with one container on `echo`."""
    made = {"name": "main", "image": f"nexus-test/echo:{image}", "imagePullPolicy": "IfNotPresent"}
    pod = {"terminationGracePeriodSeconds": 1, "containers": [made | (container or {})]}
    return {"metadata": {"labels": {"app": app}}, "spec": pod | spec}


READINESS: Object = {"readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}}


def workload(kind: str, name: str, image: str = "1", *, container: Object | None = None, **spec: Any) -> Object:
    """A Deployment, StatefulSet or DaemonSet."""
    made = template(name, image, container=container or READINESS)
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": made, **spec},
    }


def service(name: str, **spec: Any) -> Object:
    """A Service before a workload's pods."""
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": ports, **spec},
    }


def job(name: str, image: str, **spec: Any) -> Object:
    """A Job."""
    made = template(name, image, restartPolicy="Never")
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": made, **spec}}


def apps(namespace: str, plural: str, name: str = "") -> str:
    """Where an object of `apps` is."""
    return f"/apis/apps/v1/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def core(namespace: str, plural: str, name: str = "") -> str:
    """Where an object of the core is."""
    return f"/api/v1/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def batch(namespace: str, plural: str, name: str = "") -> str:
    """Where a job is."""
    return f"/apis/batch/v1/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")
