"""Claims of storage: waiting, and bound to a volume that fits."""

from .apiserver import Apiserver
from .conftest import Observe, becomes
from .objects import core


async def test_a_claim_should_wait_for_a_volume_that_fits(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1024Mi"}},
        "storageClassName": "none-makes-it",
    }
    wanted = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    await apiserver.create(core(namespace, "persistentvolumeclaims"), wanted)

    path = core(namespace, "persistentvolumeclaims", "data")
    found = await becomes(apiserver, path, lambda one: one.get("status", {}).get("phase"))
    observe("waiting", found)
    assert found["status"]["phase"] == "Pending"
    larger = await apiserver.ask(
        "PATCH", path, {"spec": {"accessModes": ["ReadOnlyMany"]}}, "application/merge-patch+json"
    )
    assert larger.code == 422
