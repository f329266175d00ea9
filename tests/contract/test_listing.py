"""Lists: a page at a time, and only what a selector selects."""

import pytest

from .apiserver import Apiserver
from .conftest import Observe, becomes
from .objects import config_map, core, workload
from .test_rollouts import made


async def several(apiserver: Apiserver, namespace: str) -> None:
    """Five objects with labels."""
    for number in range(5):
        wanted = config_map(f"c{number}", n=str(number))
        wanted["metadata"]["labels"] = {"parity": ("even", "odd")[number % 2], "n": str(number)}
        if number == 4:
            wanted["metadata"]["labels"]["last"] = ""
        await apiserver.applied(core(namespace, "configmaps", f"c{number}"), wanted)


async def test_a_list_should_come_in_pages_of_one_version(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    await several(apiserver, namespace)
    path = core(namespace, "configmaps")
    query = {"limit": "2", "labelSelector": "parity"}

    first = await apiserver.get(path, **query)
    observe("the first page", {**first, "items": []})
    await apiserver.delete(f"{path}/c4")
    second = await apiserver.get(path, **query, **{"continue": first["metadata"]["continue"]})
    third = await apiserver.get(path, **query, **{"continue": second["metadata"]["continue"]})

    names = [[one["metadata"]["name"] for one in page["items"]] for page in (first, second, third)]
    assert names == [["c0", "c1"], ["c2", "c3"], ["c4"]]
    assert "continue" not in third["metadata"]
    versions = {page["metadata"]["resourceVersion"] for page in (first, second, third)}
    assert len(versions) == 1
    observe("the last page", third)


async def test_a_token_that_is_none_should_be_refused(apiserver: Apiserver, namespace: str, observe: Observe) -> None:
    refused = await apiserver.ask("GET", core(namespace, "configmaps"), limit="1", **{"continue": "nonsense"})
    assert refused.code == 400
    observe("nonsense", refused.body)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("parity=even", "024"),
        ("parity==even,n!=2", "04"),
        ("parity!=even,parity", "13"),
        ("n in (1, 2)", "12"),
        ("parity,n notin (1,2)", "034"),
        ("last", "4"),
        ("last=", "4"),
        ("!last,parity", "0123"),
        ("n>2", "34"),
    ],
)
async def test_a_label_selector_should_select(
    apiserver: Apiserver, namespace: str, selector: str, expected: str
) -> None:
    await several(apiserver, namespace)
    found = await apiserver.get(core(namespace, "configmaps"), labelSelector=selector)
    assert "".join(one["data"]["n"] for one in found["items"]) == expected


async def test_a_selector_that_is_none_should_be_refused(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    for query in ({"labelSelector": "a in b"}, {"fieldSelector": "data.a=1"}):
        refused = await apiserver.ask("GET", core(namespace, "configmaps"), **query)
        assert refused.code == 400
        observe(next(iter(query)), refused.body)


async def test_pods_should_be_found_by_their_fields(apiserver: Apiserver, namespace: str) -> None:
    await made(apiserver, namespace, workload("Deployment", "web", replicas=1))
    path = core(namespace, "pods")
    found = await becomes(apiserver, path, lambda pods: len(pods["items"]) == 1, fieldSelector="status.phase=Running")
    node = found["items"][0]["spec"]["nodeName"]
    for selector, count in ((f"spec.nodeName={node}", 1), ("spec.nodeName=none", 0), ("status.phase!=Running", 0)):
        assert len((await apiserver.get(path, fieldSelector=selector))["items"]) == count
