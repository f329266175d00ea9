"""Create, update, patch, delete: from a request's document to the store, with all that the apiserver checks between."""

import json
from collections.abc import Iterable
from typing import Any

import yaml
from starlette.datastructures import QueryParams

from nexus_gql.sandbox import apply, defaults, managed_fields, patch, refusals, typed, validation
from nexus_gql.sandbox.clock import stamp
from nexus_gql.sandbox.decoding import decoded, strict
from nexus_gql.sandbox.refusals import Cause, Object, Refusal, bad_request
from nexus_gql.sandbox.requests import Target, Write
from nexus_gql.sandbox.schema import struct
from nexus_gql.sandbox.store import Check, Store

_SHOWN_ONCE_MORE = frozenset(
    {"Pod", "Service", "PersistentVolumeClaim", "PersistentVolume", "ServiceAccount", "ResourceQuota"}
)
"""The kinds whose deletion answers with the object where others answer with a Status."""
_POLICIES = ("Foreground", "Background", "Orphan")


class Writing:
    """The writes of one request. `warnings` are for its answer."""

    def __init__(self, store: Store, target: Target, how: Write) -> None:
        self.warnings: list[str] = []
        self._store = store
        self._target = target
        self._kind = target.kind
        self._how = how

    # ── create and update ──

    def create(self, body: bytes) -> Object:
        """A new object out of a whole document."""
        document = self._document(body)
        obj = self._decoded(document)
        self._placed(obj)
        return self._store.create(
            self._kind.name,
            self._target.namespace,
            self._without_status(obj),
            manager=self._how.manager,
            check=self._check(),
            dry=self._how.dry,
        )

    def replace(self, body: bytes) -> Object:
        """The object as a whole document declares it."""
        obj = self._decoded(self._document(body))
        self._placed(obj)
        self._named(obj)
        return self._update(obj, self._live())

    def _update(self, obj: Object, live: Object, managed: managed_fields.Managers | None = None) -> Object:
        subresource = self._target.subresource
        if subresource != "status":
            defaults.fill(self._kind, obj)
            if "status" in live:
                obj["status"] = live["status"]
            elif "status" in self._kind.subresources:
                obj.pop("status", None)
        return self._store.update(
            self._kind.name,
            obj,
            manager=self._how.manager,
            subresource=subresource,
            check=self._check() if subresource is None else None,
            managed=managed,
            dry=self._how.dry,
        )

    def _check(self) -> Check:
        kind = self._kind

        def check(old: Object | None, new: Object) -> None:
            validation.check(kind, old, new)

        return check

    # ── patches ──

    def patch(self, body: bytes, content_type: str) -> Object:
        """The object with a JSON, merge or strategic merge patch laid over it."""
        live = self._live()
        found = self.patched(live, body, content_type)
        if found["metadata"].get("name") != live["metadata"]["name"]:
            causes = [
                Cause("FieldValueInvalid", "metadata.name", f"Invalid value: {_quoted(found)}: field is immutable")
            ]
            raise refusals.invalid(self._kind, live["metadata"]["name"], causes)
        return self._update(self._decoded(found), live)

    def patched(self, live: Object, body: bytes, content_type: str) -> Object:
        """The document that the patch makes of the live one."""
        document = _parsed(body)
        if content_type == patch.JSON:
            found = patch.json_patch(live, document)
        elif not isinstance(document, dict):
            raise bad_request("json: cannot unmarshal array into Go value of type map[string]interface {}")
        elif content_type == patch.MERGE:
            found = patch.merge_patch(live, document)
        else:
            found = patch.strategic(struct(self._kind.name), live, document)
        if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
            raise patch.CannotPatch
        return found

    def apply(self, body: bytes) -> tuple[Object, bool]:
        """Server-side apply: the object, and whether it is new."""
        document = self._document(body)
        self._appliable(document)
        writer = managed_fields.Writer(
            self._how.manager,
            self._kind.api_version,
            self._target.subresource,
            stamp(self._store.clock.now()),
            managed_fields.APPLY,
        )
        live = self._store.get(self._kind.name, self._target.namespace, self._target.name or "")
        if live is None:
            return self._applied_new(document, writer), True
        managers = managed_fields.decoded(live["metadata"].get("managedFields"))
        found = apply.apply(self._kind, live, document, managers, writer, force=self._how.force)
        self._preconditions(document["metadata"], live)
        return self._update(self._converted(found.object), live, found.managers), False

    def _applied_new(self, document: Object, writer: managed_fields.Writer) -> Object:
        name = self._target.name or ""
        if self._target.subresource is not None:
            raise refusals.not_found(self._kind, name)
        if uid := document["metadata"].get("uid"):
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise refusals.conflict(self._kind, name, why)
        found = apply.apply(self._kind, {}, document, [], writer, force=self._how.force)
        whole = {**document, **found.object, "metadata": document["metadata"]}
        obj = self._without_status(self._converted(whole))
        return self._store.create(
            self._kind.name,
            self._target.namespace,
            obj,
            manager=self._how.manager,
            check=self._check(),
            managed=found.managers,
            dry=self._how.dry,
        )

    def _converted(self, merged: Object) -> Object:
        """The merged document as an object; what breaks here breaks in the middle of the apiserver, which says so."""
        try:
            return decoded(self._kind, merged)
        except Refusal as refusal:
            words = refusal.message.partition(f"cannot be handled as a {self._kind.name}: ")[2]
            gvk = f"{self._kind.group}/{self._kind.version}, Kind={self._kind.name}"
            raise Refusal(
                500,
                "",
                f"failed to convert new object (/{self._target.name}; {gvk}) to proper version: "
                f"unable to convert unstructured object to {gvk}: error decoding from json: {words}",
            ) from None

    def _appliable(self, document: Object) -> None:
        metadata = document.setdefault("metadata", {})
        if "managedFields" in metadata:
            raise bad_request("metadata.managedFields must be nil")
        typed.check(self._kind, document)
        self._placed(document)
        metadata.setdefault("name", self._target.name)
        self._named(document)

    def _preconditions(self, metadata: Object, live: Object) -> None:
        current, name = live["metadata"], live["metadata"]["name"]
        if metadata.get("resourceVersion", current["resourceVersion"]) != current["resourceVersion"]:
            raise refusals.modified(self._kind, name)
        if metadata.get("uid", current["uid"]) != current["uid"]:
            cause = Cause(
                "FieldValueInvalid", "metadata.uid", f'Invalid value: "{metadata["uid"]}": field is immutable'
            )
            raise refusals.invalid(self._kind, name, [cause, cause])

    # ── delete ──

    def delete(self, body: bytes, query: QueryParams) -> Object:
        """Begin to delete the object: a Status where it is gone, else the object as it waits for its end."""
        live = self._live()
        left = self._delete(live, deletion_options(body, query))
        if left is None and self._kind.name in _SHOWN_ONCE_MORE:
            return live
        return left or refusals.success(self._kind, live["metadata"]["name"], live["metadata"]["uid"])

    def delete_all(self, objects: Iterable[Object], body: bytes, query: QueryParams) -> None:
        """Begin to delete each."""
        options = deletion_options(body, query)
        for obj in objects:
            self._delete(obj, options)

    def _delete(self, obj: Object, options: Object) -> Object | None:
        metadata = obj["metadata"]
        preconditions = options.get("preconditions") or {}
        # Jobs alone leave their pods when nobody says what to do with them, as they have since before there was a choice.
        usual = "Orphan" if self._kind.name == "Job" else "Background"
        return self._store.delete(
            self._kind.name,
            metadata.get("namespace"),
            metadata["name"],
            grace=options.get("gracePeriodSeconds"),
            propagation=options.get("propagationPolicy") or usual,
            uid=preconditions.get("uid"),
            version=preconditions.get("resourceVersion"),
            dry=self._how.dry or bool(options.get("dryRun")),
        )

    # ── the document ──

    def _live(self) -> Object:
        name = self._target.name or ""
        live = self._store.get(self._kind.name, self._target.namespace, name)
        if live is None:
            raise refusals.not_found(self._kind, name)
        return live

    def _document(self, body: bytes) -> Object:
        """The document of a request, of the kind that its path says."""
        kind = self._kind
        document = _parsed(body)
        if not isinstance(document, dict):
            raise bad_request(
                f"the object provided is unrecognized (must be of type {kind.name}): couldn't get version/kind; "
                f"json parse error: json: cannot unmarshal {_go(document)} into Go value of type struct {{ "
                r'APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
                f" ({body.hex()})"
            )
        name, version = document.get("kind") or kind.name, document.get("apiVersion") or kind.api_version
        if (name, version) != (kind.name, kind.api_version):
            raise bad_request(
                f'{name} in version "{str(version).rpartition("/")[2]}" cannot be handled as a {kind.name}: '
                f'no kind "{name}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:110"'
            )
        return document

    def _decoded(self, document: Object) -> Object:
        unknown: list[str] = []
        obj = decoded(self._kind, document, unknown=unknown)
        if unknown and self._how.validation == "Strict":
            raise strict(self._kind, unknown)
        if self._how.validation == "Warn":
            self.warnings += [f'unknown field "{path}"' for path in unknown]
        return obj

    def _placed(self, obj: Object) -> None:
        metadata = obj.setdefault("metadata", {})
        if metadata.get("namespace", self._target.namespace) != self._target.namespace and self._kind.namespaced:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        if self._kind.namespaced:
            metadata["namespace"] = self._target.namespace

    def _named(self, obj: Object) -> None:
        name = obj["metadata"].get("name")
        if name != self._target.name:
            raise bad_request(
                f"the name of the object ({name}) does not match the name on the URL ({self._target.name})"
            )

    def _without_status(self, obj: Object) -> Object:
        """What a client says of the status of a new object is not heard; a node may tell its own."""
        if "status" in obj and self._kind.name != "Node":
            return {name: value for name, value in obj.items() if name != "status"}
        return obj


def deletion_options(body: bytes, query: QueryParams) -> Object:
    """How a deletion is meant: the body's words, then the query's."""
    document = _parsed(body) if body.strip() else {}
    options = dict(document) if isinstance(document, dict) else {}
    for name in ("propagationPolicy", "gracePeriodSeconds"):
        if query.get(name):
            options[name] = int(query[name]) if name == "gracePeriodSeconds" else query[name]
    if "orphanDependents" in options:
        options["propagationPolicy"] = "Orphan" if options["orphanDependents"] else "Background"
    policy = options.get("propagationPolicy")
    if policy and policy not in _POLICIES:
        allowed = ", ".join(f'"{word}"' for word in (*_POLICIES, "nil"))
        message = f'Unsupported value: "{policy}": supported values: {allowed}'
        cause = Cause("FieldValueNotSupported", "propagationPolicy", message)
        details = {"group": "meta.k8s.io", "kind": "DeleteOptions", "causes": [cause.json()]}
        raise Refusal(422, "Invalid", f'DeleteOptions.meta.k8s.io "" is invalid: {cause}', details)
    return options


def _parsed(body: bytes) -> Any:
    """JSON, or the YAML that it is a part of."""
    try:
        return json.loads(body)
    except ValueError:
        pass
    try:
        return yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise bad_request(f"error converting YAML to JSON: {error}") from None


def _go(value: object) -> str:
    return {str: "string", list: "array", bool: "bool"}.get(type(value), "number")


def _quoted(found: Object) -> str:
    return json.dumps(found["metadata"].get("name", ""))
