"""What a container needs before it can be made: the Secrets and ConfigMaps that its variables and volumes name."""

from collections.abc import Iterator

from nexus_gql.sandbox.store import Object, Store


def missing_value(store: Store, namespace: str, container: Object) -> str | None:
    """Why a container's variables cannot be given their values, in the kubelet's words; None where they can."""
    for source in container.get("envFrom") or ():
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            reference = source.get(field)
            if reference and not reference.get("optional") and store.get(kind, namespace, reference["name"]) is None:
                return f'{kind.lower()} "{reference["name"]}" not found'
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            if (reference := source.get(field)) and (why := _missing_key(store, namespace, kind, reference)):
                return why
    return None


def missing_volume(store: Store, pod: Object) -> str | None:
    """Why a pod's volumes cannot be mounted; None where they can."""
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes") or ():
        for kind, name, items in _sources(volume):
            found = store.get(kind, namespace, name)
            if found is None:
                return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {kind.lower()} "{name}" not found'
            known = {**(found.get("data") or {}), **(found.get("binaryData") or {})}
            if any(item["key"] not in known for item in items):
                return f'MountVolume.SetUp failed for volume "{volume["name"]}" : references non-existent {kind.lower()} key'
    return None


def _missing_key(store: Store, namespace: str, kind: str, reference: Object) -> str | None:
    if reference.get("optional"):
        return None
    found = store.get(kind, namespace, reference["name"])
    if found is None:
        return f'{kind.lower()} "{reference["name"]}" not found'
    if reference["key"] in {**(found.get("data") or {}), **(found.get("binaryData") or {})}:
        return None
    return f"couldn't find key {reference['key']} in {kind} {namespace}/{reference['name']}"


def _sources(volume: Object) -> Iterator[tuple[str, str, list[Object]]]:
    """The ConfigMaps and Secrets behind a volume, as kind, name and the keys that are wanted of it."""
    parts = [volume, *(volume.get("projected") or {}).get("sources", ())]
    for part in parts:
        for kind, field in (("ConfigMap", "configMap"), ("Secret", "secret")):
            source = part.get(field)
            name = source and (source.get("secretName") or source.get("name"))
            # Every namespace has this one; a pod that is made with its namespace must not wait for it.
            if name and not source.get("optional") and name != "kube-root-ca.crt":
                yield kind, name, source.get("items") or []
