"""ControllerRevisions: what StatefulSets and DaemonSets remember of their templates."""

from nexus_gql.sandbox.objects import Key, annotations_of, owner_reference, uid_of
from nexus_gql.sandbox.store import Object
from nexus_gql.sandbox.templates import hash_of
from nexus_gql.sandbox.world import World


def revision_of(world: World, owner: Object, label: str) -> str:
    """The hash of the owner's present template; its ControllerRevision is there afterwards, with the highest number."""
    template = owner["spec"]["template"]
    hash_ = hash_of(template)
    namespace, name = owner["metadata"]["namespace"], f"{owner['metadata']['name']}-{hash_}"
    known = _known(world, owner)
    newest = max((item["revision"] for item in known), default=0)
    present = next((item for item in known if item["metadata"]["name"] == name), None)
    if present is None:
        labels = {**((template.get("metadata") or {}).get("labels") or {}), label: hash_}
        metadata = {"name": name, "labels": labels, "ownerReferences": [owner_reference(owner)]}
        if annotations := dict(annotations_of(owner)):
            metadata["annotations"] = annotations
        data = {"spec": {"template": {**template, "$patch": "replace"}}}
        body = {"metadata": metadata, "data": data, "revision": newest + 1}
        world.store.create("ControllerRevision", namespace, body)
    elif present["revision"] < newest:
        world.store.update("ControllerRevision", {**present, "revision": newest + 1})
    return hash_


def template_at(world: World, owner: Object, hash_: str) -> Object | None:
    """The template that an earlier revision had."""
    key: Key = owner["metadata"]["namespace"], f"{owner['metadata']['name']}-{hash_}"
    found = world.store.get("ControllerRevision", *key)
    if found is None:
        return None
    return {name: value for name, value in found["data"]["spec"]["template"].items() if name != "$patch"}


def forget_old(world: World, owner: Object, used: set[str]) -> None:
    """Delete the oldest revisions beyond the limit that nothing uses."""
    prefix = f"{owner['metadata']['name']}-"
    idle = [item for item in _known(world, owner) if item["metadata"]["name"].removeprefix(prefix) not in used]
    surplus = len(idle) - owner["spec"].get("revisionHistoryLimit", 10)
    for item in sorted(idle, key=lambda found: int(found["revision"]))[: max(surplus, 0)]:
        world.store.delete("ControllerRevision", item["metadata"]["namespace"], item["metadata"]["name"])


def _known(world: World, owner: Object) -> list[Object]:
    return world.index.owned(uid_of(owner), "ControllerRevision")
