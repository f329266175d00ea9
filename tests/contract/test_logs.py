"""Logs of a pod: all of them, the last of them, those since a moment, those of the run before, and those to come."""

import re

from .apiserver import Apiserver, Object
from .conftest import Observe, becomes
from .objects import core, template


async def pod(apiserver: Apiserver, namespace: str, image: str) -> str:
    """A pod that writes; where its log is."""
    made = template("p", image)
    container = made["spec"]["containers"][0]
    container["env"] = [{"name": "LINES_EVERY", "value": "0.2"}, {"name": "SANDBOX_LOG_RATE", "value": "5"}]
    wanted = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"app": "p"}},
        "spec": made["spec"],
    }
    await apiserver.create(core(namespace, "pods"), wanted)
    return core(namespace, "pods", "p")


def running(found: Object) -> bool:
    """Whether it runs."""
    return "running" in found["status"].get("containerStatuses", [{}])[0].get("state", {})


async def test_a_log_should_be_read_as_it_is_asked_for(apiserver: Apiserver, namespace: str) -> None:
    path = await pod(apiserver, namespace, "1")
    await becomes(apiserver, path, running)

    async with apiserver.lines(f"{path}/log", follow="true", timestamps="true") as lines:
        followed = []
        async for line in lines:
            followed.append(line)
            if len(followed) == 6:
                break
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z \S", line) for line in followed)

    everything = (await apiserver.text(f"{path}/log", timestamps="true")).splitlines()
    assert everything[:6] == followed
    last = (await apiserver.text(f"{path}/log", tailLines="2")).splitlines()
    assert len(last) == 2
    assert not re.match(r"\d{4}-", last[0])
    since = followed[4].partition(" ")[0]
    later = (await apiserver.text(f"{path}/log", sinceTime=since, timestamps="true")).splitlines()
    assert followed[4] in later
    assert all(line[:19] >= since[:19] for line in later)
    assert len(await apiserver.text(f"{path}/log", limitBytes="7")) == 7
    assert await apiserver.text(f"{path}/log", tailLines="0") == ""


async def test_the_log_of_the_run_before_should_be_kept(apiserver: Apiserver, namespace: str, observe: Observe) -> None:
    path = await pod(apiserver, namespace, "crash")
    await becomes(
        apiserver, path, lambda one: one["status"].get("containerStatuses", [{}])[0].get("restartCount", 0) > 0
    )

    assert (await apiserver.text(f"{path}/log", previous="true")).splitlines()
    refused = await apiserver.ask("GET", f"{path}/log", container="other")
    assert refused.code == 400
    observe("another container", refused.body)


async def test_a_log_that_is_not_there_should_be_refused(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = await pod(apiserver, namespace, "missing")

    def is_waiting(found: Object) -> bool:
        waiting = found["status"].get("containerStatuses", [{}])[0].get("state", {}).get("waiting", {})
        return bool(waiting.get("reason") == "ImagePullBackOff")

    await becomes(apiserver, path, is_waiting)
    for what, query in {
        "not begun": {},
        "nothing before": {"previous": "true"},
        "negative": {"tailLines": "-1"},
    }.items():
        refused = await apiserver.ask("GET", f"{path}/log", **query)
        assert refused.code in {400, 422}
        observe(what, refused.body)
    observe("no such pod", (await apiserver.ask("GET", core(namespace, "pods", "none") + "/log")).body)
