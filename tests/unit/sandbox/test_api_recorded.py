"""Requests and what a real apiserver (v1.34.4) answered, recorded; the sandbox must answer the same.

Left out of the recordings, because the sandbox does not do it: warnings about values that are allowed and unwise, host
aliases, the words about a cron field out of range, random choices (node ports, the order of labels in a sentence).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sandbox.server import Server

_LINES = Path(__file__).with_name("recorded.jsonl").read_text(encoding="utf-8").splitlines()
_RECORDED = [json.loads(line) for line in _LINES]
_OWN = {"uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "time"}
_RANDOM = (
    (re.compile(r"kube-api-access-\w{5}"), "kube-api-access-XXXXX"),
    (re.compile(r"10\.96\.\d+\.\d+"), "10.96.X"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"),
)


def comparable(value: Any) -> Any:
    """A document without what differs from run to run."""
    if isinstance(value, dict):
        found = {name: comparable(item) for name, item in value.items() if name not in _OWN}
        if "managedFields" in found:  # their order is that of the seconds in which they were written
            found["managedFields"].sort(key=lambda one: (one["operation"], one["manager"]))
        return found
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, str):
        for pattern, shown in _RANDOM:
            value = pattern.sub(shown, value)
    return value


def singles() -> Iterator[Any]:
    for number, (group, *case) in enumerate(_RECORDED):
        if group == "single":
            yield pytest.param(*case, id=f"{number}-{case[0]}-{case[1].partition('?')[0].rpartition('/')[2]}-{case[4]}")


@pytest.mark.parametrize(("method", "path", "content_type", "body", "code", "answer"), list(singles()))
async def test_a_request_should_be_answered_as_a_real_apiserver_answers_it(
    method: str, path: str, content_type: str, body: object, code: int, answer: object
) -> None:
    found_code, found = await Server().ask(method, path, body, content_type)

    assert (found_code, comparable(found)) == (code, comparable(answer))


@pytest.mark.parametrize("flow", sorted({group for group, *_ in _RECORDED} - {"single"}))
async def test_a_sequence_of_requests_should_lead_where_it_leads_on_a_real_apiserver(flow: str) -> None:
    server = Server()
    for step, (group, method, path, content_type, body, code, answer) in enumerate(_RECORDED):
        if group == flow:
            found_code, found = await server.ask(method, path, body, content_type)
            assert (step, found_code, comparable(found)) == (step, code, comparable(answer))


def test_the_recordings_should_hold_refusals_and_objects_of_every_kind_that_nexus_writes() -> None:
    made = {case[6]["kind"] for case in _RECORDED if case[5] == 201}
    refused = {case[5] for case in _RECORDED if case[5] >= 400}

    written = {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service", "Secret", "ConfigMap", "Ingress"}
    assert made >= written | {"HorizontalPodAutoscaler", "PersistentVolumeClaim", "Namespace", "Pod"}
    assert refused >= {400, 404, 405, 409, 415, 422, 500}
