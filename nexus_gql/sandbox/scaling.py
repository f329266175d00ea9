"""The scale subresource: how many pods a workload has and should have, read and written by itself."""

from nexus_gql.sandbox import managed_fields, refusals, selectors
from nexus_gql.sandbox.clock import stamp
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Cause, Object
from nexus_gql.sandbox.requests import Write
from nexus_gql.sandbox.store import Store

_OF_SCALE = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale(obj: Object) -> Object:
    """The scale of a workload. Zero is the same as nothing, as Go writes it."""
    metadata = {name: obj["metadata"][name] for name in _OF_SCALE if name in obj["metadata"]}
    replicas = obj["spec"].get("replicas", 0)
    status: Object = {"replicas": obj.get("status", {}).get("replicas", 0)}
    selector = selectors.written(obj["spec"].get("selector", {}))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": replicas} if replicas else {},
        "status": {**status, "selector": selector} if selector else status,
    }


def rescaled(store: Store, kind: Kind, live: Object, wanted: Object, how: Write) -> Object:
    """The workload with as many pods as the scale wants."""
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    name = live["metadata"]["name"]
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise refusals.bad_request(
            f'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal {type(replicas).__name__} '
            "into Go struct field ScaleSpec.spec.replicas of type int32"
        )
    if replicas < 0:
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        details = {"name": name, "group": "autoscaling", "kind": "Scale"}
        cause = Cause("FieldValueInvalid", "spec.replicas", message)
        text = f'Scale.autoscaling "{name}" is invalid: {cause}'
        raise refusals.Refusal(422, "Invalid", text, {**details, "causes": [cause.json()]})
    metadata = {**live["metadata"]}
    if version := wanted.get("metadata", {}).get("resourceVersion"):
        metadata["resourceVersion"] = version
    obj = {**live, "metadata": metadata, "spec": {**live["spec"], "replicas": replicas}}
    return store.update(
        kind.name, obj, manager=how.manager, managed=_managers(store, kind, live, obj, how), dry=how.dry
    )


def _managers(store: Store, kind: Kind, live: Object, obj: Object, how: Write) -> managed_fields.Managers:
    """Scaling to zero leaves the field to nobody: a scale of zero holds no replicas to own."""
    seen = obj if obj["spec"]["replicas"] else {**obj, "spec": {**obj["spec"], "replicas": None}}
    if not obj["spec"]["replicas"]:
        seen["spec"].pop("replicas")
    writer = managed_fields.Writer(how.manager, kind.api_version, "scale", stamp(store.clock.now()))
    managers = managed_fields.decoded(live["metadata"].get("managedFields"))
    if obj["spec"]["replicas"] == live["spec"].get("replicas"):
        return managers
    return managed_fields.updated(kind, live, seen, managers, writer)
