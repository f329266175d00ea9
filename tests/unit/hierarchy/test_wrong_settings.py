"""Wrong input of every kind the contract lets in: the exact path, and nothing stored."""

from typing import Any

import pytest

from nexus_gql.hierarchy import SETTINGS
from nexus_gql.hierarchy.configuring import checked_patch
from nexus_gql.problems import ProblemCode

from .conftest import House
from .test_configuring import CHURN, refusal

HUGE = "x" * 2_000_000
TEXT = {"text": "x"}

# What is wrong by itself: the patch, and where in it.
WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "negative replicas": ({"replicas": -1}, ("replicas",)),
    "a workload that is none": ({"workload": "POD"}, ("workload",)),
    "a pull secret that is none": ({"image": {"pullSecret": "Hub!"}}, ("image", "pullSecret")),
    "autoscaling from none": ({"autoscaling": {"min": 0}}, ("autoscaling", "min")),
    "a schedule of six fields": ({"schedule": {"cron": "0 0 3 * * *"}}, ("schedule", "cron")),
    "a schedule out of range": ({"schedule": {"cron": "60 3 * * *"}}, ("schedule", "cron")),
    "Sunday as seven": ({"schedule": {"cron": "0 3 * * 7"}}, ("schedule", "cron")),
    "a schedule that never steps": ({"schedule": {"cron": "*/0 3 * * *"}}, ("schedule", "cron")),
    "a range backwards": ({"schedule": {"cron": "0 5-3 * * *"}}, ("schedule", "cron")),
    "a zone in a schedule": ({"schedule": {"cron": "TZ=UTC 0 3 * * *"}}, ("schedule", "cron")),
    "a time zone that is none": ({"schedule": {"timezone": "Berlin"}}, ("schedule", "timezone")),
    "a concurrency that is none": ({"schedule": {"concurrency": "Allow"}}, ("schedule", "concurrency")),
    "a job without completions": ({"job": {"completions": 0}}, ("job", "completions")),
    "negative retries": ({"job": {"retries": -1}}, ("job", "retries")),
    "no time at all": ({"job": {"timeLimit": "0s"}}, ("job", "timeLimit")),
    "a rule's name in capitals": ({"ingress": [{"name": "Web"}]}, ("ingress", "0", "name")),
    "a host that is none": ({"ingress": [{"name": "a", "host": "churn"}]}, ("ingress", "0", "host")),
    "a host with a port": ({"ingress": [{"name": "a", "host": "a.example.org:80"}]}, ("ingress", "0", "host")),
    "a host that is an address": ({"ingress": [{"name": "a", "host": "192.0.2.1"}]}, ("ingress", "0", "host")),
    "an ingress path that is none": ({"ingress": [{"name": "a", "path": "v1"}]}, ("ingress", "0", "path")),
    "an ingress path that climbs": ({"ingress": [{"name": "a", "path": "/a/../b"}]}, ("ingress", "0", "path")),
    "an ingress path that ends nowhere": ({"ingress": [{"name": "a", "path": "/a/.."}]}, ("ingress", "0", "path")),
    "an ingress path with a hidden slash": ({"ingress": [{"name": "a", "path": "/a%2Fb"}]}, ("ingress", "0", "path")),
    "a schedule of a thousand years": ({"schedule": {"cron": "@every 9999999h"}}, ("schedule", "cron")),
    "a variable's name that no Secret takes": ({"env": [{"name": "A" * 254, "value": TEXT}]}, ("env", "0", "name")),
    "an annotation that is ours": (
        {"ingress": [{"name": "a", "annotations": [{"name": "nexus.optimal-reality.io/x", "value": ""}]}]},
        ("ingress", "0", "annotations", "0", "name"),
    ),
    "an annotation twice": (
        {"ingress": [{"name": "a", "annotations": [{"name": "b", "value": "1"}, {"name": "b", "value": "2"}]}]},
        ("ingress", "0", "annotations", "1", "name"),
    ),
    "an annotation with NUL": (
        {"ingress": [{"name": "a", "annotations": [{"name": "b", "value": "\0"}]}]},
        ("ingress", "0", "annotations", "0", "value"),
    ),
    "a volume of nothing": ({"volumes": [{"name": "a", "mountPath": "/a", "size": "0"}]}, ("volumes", "0", "size")),
    "a volume nowhere": ({"volumes": [{"name": "a", "mountPath": "a", "size": "1Gi"}]}, ("volumes", "0", "mountPath")),
    "a volume without a size": ({"volumes": [{"name": "a", "mountPath": "/a"}]}, ("volumes", "0", "size")),
    "a dependency of three segments": ({"dependsOn": [{"ref": "a/b/c"}]}, ("dependsOn", "0", "ref")),
    "a need that is none": ({"dependsOn": [{"ref": "a", "need": "MUST"}]}, ("dependsOn", "0", "need")),
    "too many replicas": ({"replicas": 10_001}, ("replicas",)),
    "an empty repository": ({"image": {"repository": ""}}, ("image", "repository")),
    "a repository with a tag": ({"image": {"repository": "a:1"}}, ("image", "repository")),
    "a repository in capitals": ({"image": {"repository": "or/Churn"}}, ("image", "repository")),
    "an empty tag": ({"image": {"tag": ""}}, ("image", "tag")),
    "a digest that is none": ({"image": {"digest": "sha256:x"}}, ("image", "digest")),
    "a pull policy that is none": ({"image": {"pullPolicy": "Sometimes"}}, ("image", "pullPolicy")),
    "a quantity that is none": ({"resources": {"cpuRequest": "much"}}, ("resources", "cpuRequest")),
    "a negative quantity": ({"resources": {"memoryLimit": "-1Mi"}}, ("resources", "memoryLimit")),
    "CPU finer than thousandths": ({"resources": {"cpuLimit": "0.1m"}}, ("resources", "cpuLimit")),
    "a tenth of a byte": ({"resources": {"memoryRequest": "100m"}}, ("resources", "memoryRequest")),
    "an amount nobody can count": ({"resources": {"cpuLimit": "1e999999999"}}, ("resources", "cpuLimit")),
    "an amount above 2^63": ({"resources": {"memoryLimit": "9e30"}}, ("resources", "memoryLimit")),
    "digits of another script": ({"resources": {"cpuLimit": "\u0663"}}, ("resources", "cpuLimit")),
    "negative gpus": ({"resources": {"gpus": -1}}, ("resources", "gpus")),
    "an empty probe": ({"probes": {"liveness": {}}}, ("probes", "liveness")),
    "a probe that asks twice": (
        {"probes": {"liveness": {"httpPath": "/", "tcp": True}}},
        ("probes", "liveness", "tcp"),
    ),
    "a probe without command": ({"probes": {"startup": {"command": []}}}, ("probes", "startup", "command")),
    "a probe's relative path": ({"probes": {"liveness": {"httpPath": "x"}}}, ("probes", "liveness", "httpPath")),
    "a probe's port out of range": (
        {"probes": {"liveness": {"tcp": True, "port": "70000"}}},
        ("probes", "liveness", "port"),
    ),
    "a probe that never asks": (
        {"probes": {"liveness": {"tcp": True, "period": "0s"}}},
        ("probes", "liveness", "period"),
    ),
    "half a second": ({"terminationGrace": "500ms"}, ("terminationGrace",)),
    "a span that is none": ({"rollout": {"deadline": "soon"}}, ("rollout", "deadline")),
    "a span without end": ({"rollout": {"deadline": "9" * 400 + "h"}}, ("rollout", "deadline")),
    "a share above all": ({"rollout": {"maxSurge": "101%"}}, ("rollout", "maxSurge")),
    "a variable's name that is none": ({"env": [{"name": "1A", "value": TEXT}]}, ("env", "0", "name")),
    "a variable without a name": ({"env": [{"name": "", "value": TEXT}]}, ("env", "0", "name")),
    "a variable's name of two megabytes": ({"env": [{"name": HUGE, "value": TEXT}]}, ("env", "0", "name")),
    "a name of half a surrogate pair": ({"env": [{"name": "\ud800", "value": TEXT}]}, ("env", "0", "name")),
    "a variable twice": (
        {"env": [{"name": "A", "value": TEXT}, {"name": "A", "value": TEXT}]},
        ("env", "1", "name"),
    ),
    "a text of two megabytes": ({"env": [{"name": "A", "value": {"text": HUGE}}]}, ("env", "0", "value", "text")),
    "a secret of two megabytes": ({"env": [{"name": "A", "value": {"secret": HUGE}}]}, ("env", "0", "value", "secret")),
    "NUL in a text": ({"env": [{"name": "A", "value": {"text": "a\0b"}}]}, ("env", "0", "value", "text")),
    "half a surrogate pair in a text": ({"args": ["fine", "\udc00"]}, ("args", "1")),
    "a reference of three segments": (
        {"env": [{"name": "A", "value": {"service": {"ref": "a/b/c"}}}]},
        ("env", "0", "value", "service", "ref"),
    ),
    "a key of a Secret that is none": (
        {"env": [{"name": "A", "value": {"secretKey": {"secret": "s", "key": ".."}}}]},
        ("env", "0", "value", "secretKey", "key"),
    ),
    "a port twice": (
        {"ports": [{"name": "web", "port": 1}, {"name": "web", "port": 2}]},
        ("ports", "1", "name"),
    ),
    "a port's number out of range": ({"ports": [{"name": "web", "port": 0}]}, ("ports", "0", "port")),
    "a port's name in capitals": ({"ports": [{"name": "Web", "port": 1}]}, ("ports", "0", "name")),
    "a protocol that is none": (
        {"ports": [{"name": "web", "port": 1, "protocol": "tcp"}]},
        ("ports", "0", "protocol"),
    ),
    "a file mounted at a relative path": (
        {"files": [{"name": "x", "mountPath": "etc/x", "text": ""}]},
        ("files", "0", "mountPath"),
    ),
    "a file mounted above": (
        {"files": [{"name": "x", "mountPath": "/etc/../x", "text": ""}]},
        ("files", "0", "mountPath"),
    ),
    "a file of two megabytes": (
        {"files": [{"name": "x", "mountPath": "/x", "text": HUGE}]},
        ("files", "0", "text"),
    ),
    "a file without text": ({"files": [{"name": "x", "mountPath": "/x"}]}, ("files", "0", "text")),
    "a label of our own": (
        {"labels": [{"name": "nexus.optimal-reality.io/x", "value": "y"}]},
        ("labels", "0", "name"),
    ),
    "a label's value with a space": ({"labels": [{"name": "x", "value": "a b"}]}, ("labels", "0", "value")),
    "a toleration without key": ({"tolerations": [{"operator": "Equal"}]}, ("tolerations", "0", "operator")),
    "a service account in capitals": ({"serviceAccount": "Me"}, ("serviceAccount",)),
    "a user below zero": ({"securityContext": {"runAsUser": -1}}, ("securityContext", "runAsUser")),
    "an unknown key to inherit": ({"inherit": ["replicas", "nothing"]}, ("inherit", "1")),
    "an unknown key to remove": ({"remove": ["image.nothing"]}, ("remove", "0")),
    "a key both set and inherited": ({"replicas": 1, "inherit": ["replicas"]}, ("inherit", "0")),
    "a key both set and removed": ({"image": {"tag": "x"}, "remove": ["image.tag"]}, ("remove", "0")),
    "a key both inherited and removed": ({"inherit": ["env.A"], "remove": ["env.A"]}, ("inherit", "0")),
    "a list removed with an entry set": (
        {"env": [{"name": "A", "value": TEXT}], "remove": ["replicas", "env"]},
        ("remove", "1"),
    ),
    "an entry removed of a list that is inherited": ({"env": None, "remove": ["env.A"]}, ("env",)),
}

# What is wrong only in effect: the patch at the application, and where in it the fault comes from.
INCONSISTENT: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a port's number twice": (
        {"ports": [{"name": "web", "port": 80}, {"name": "api", "port": 80}]},
        ("ports", "0", "port"),
    ),
    "the default port's number again, later by name": (
        {"ports": [{"name": "web", "port": 8080}]},
        ("ports", "0", "port"),
    ),
    "the default port's number again, earlier by name": ({"ports": [{"name": "api", "port": 8080}]}, ("ports", "0")),
    "a limit below a request that is inherited": ({"resources": {"cpuLimit": "100m"}}, ("resources", "cpuLimit")),
    "a request above a limit": (
        {"resources": {"memoryRequest": "2Gi", "memoryLimit": "1Gi"}},
        ("resources", "memoryRequest"),
    ),
    "a probe at a port that is not there": (
        {"probes": {"liveness": {"tcp": True, "port": "nowhere"}}},
        ("probes", "liveness", "port"),
    ),
    "a port that an inherited probe asks at, removed": ({"remove": ["ports.admin"]}, ("remove", "0")),
    "all ports that an inherited probe asks at, removed": ({"remove": ["ports"]}, ("remove", "0")),
    "a rolling update that cannot begin, in many zeros": ({"rollout": {"maxSurge": "00%"}}, ("rollout", "maxSurge")),
    "a daemon set's that cannot begin": (
        {"workload": "DAEMON_SET", "rollout": {"maxUnavailable": "0"}, "remove": ["rollout.maxSurge"]},
        ("remove", "0"),
    ),
    "a rolling update that cannot begin": ({"rollout": {"maxSurge": "0"}}, ("rollout", "maxSurge")),
    "a bound of a rolling update while recreating": (
        {"rollout": {"strategy": "RECREATE", "maxSurge": "1"}},
        ("rollout", "maxSurge"),
    ),
    "root where root is refused": (
        {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}},
        ("securityContext", "runAsUser"),
    ),
    "two files at one path": (
        {"files": [{"name": name, "mountPath": "/x", "text": ""} for name in ("a", "b")]},
        ("files", "1", "mountPath"),
    ),
    "a text that is none once its placeholders are replaced": (
        {"labels": [{"name": "x", "value": "${application}" * 13}]},
        ("labels", "0", "value"),
    ),
    "a tag that placeholders make too long": ({"image": {"tag": "${application}" * 26}}, ("image", "tag")),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_should_be_told_with_its_exact_path_in_few_words(what: str) -> None:
    shape, where = WRONG[what]
    problems = checked_patch(shape, "patch")[1]
    assert [(problem.code, problem.path) for problem in problems] == [(ProblemCode.INVALID, ("patch", *where))]
    assert len(problems[0].message.encode()) < 1000


@pytest.mark.parametrize("what", INCONSISTENT)
async def test_what_does_not_agree_in_effect_should_be_told_where_it_comes_from(house: House, what: str) -> None:
    await house.configure(
        "or",
        {
            "resources": {"cpuRequest": "500m"},
            "ports": [{"name": "admin", "port": 9000}],
            "probes": {"startup": {"tcp": True, "port": "admin"}},
        },
    )
    shape, where = INCONSISTENT[what]
    problems = await refusal(house, CHURN, shape)
    assert {problem.code for problem in problems} == {ProblemCode.INVALID}
    assert problems[0].path == ("patch", *where)
    assert f"`{CHURN}`" in problems[0].message
    assert await refusal(house, CHURN, shape, dry_run=True) == problems


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (
            {"replicas": 1, "remove": ["replicas"]},
            "`replicas` is named in remove, and `replicas` is set in the same patch.",
        ),
        (
            {"replicas": 1, "inherit": ["replicas"]},
            "`replicas` is named in inherit, and `replicas` is set in the same patch.",
        ),
        (
            {"remove": ["replicas"], "inherit": ["replicas"]},
            "`replicas` is named in inherit, and `replicas` is removed in the same patch.",
        ),
    ],
)
async def test_a_key_in_two_places_should_be_told_with_both(house: House, shape: dict[str, Any], said: str) -> None:
    (problem,) = await refusal(house, CHURN, shape)
    assert problem.message == said


async def test_a_wrong_patch_should_store_nothing(house: House) -> None:
    for shape, _ in WRONG.values():
        await refusal(house, "or", shape)


async def test_a_project_that_would_break_an_application_below_should_be_refused(house: House) -> None:
    await house.configure(CHURN, {"resources": {"memoryRequest": "2Gi"}})
    (problem,) = await refusal(house, "or", {"resources": {"memoryLimit": "1Gi"}})
    assert problem.path == ("patch", "resources", "memoryLimit")
    assert f"`{CHURN}`" in problem.message


async def test_a_document_that_grows_too_large_should_be_refused(house: House) -> None:
    for number in range(3):
        await house.configure("or", {"env": [{"name": f"V{number}", "value": {"text": "x" * 262_144}}]})
    (problem,) = await refusal(house, "or", {"env": [{"name": "V3", "value": {"text": "x" * 262_144}}]})
    assert (problem.code, problem.path) == (ProblemCode.LIMIT, ("patch",))


def test_all_that_is_wrong_should_be_told_at_once() -> None:
    shape = {"replicas": -1, "image": {"tag": ""}, "inherit": ["nothing"], "remove": ["nowhere"]}
    paths = {problem.path for problem in checked_patch(shape, "patch")[1]}
    assert paths == {
        ("patch", "replicas"),
        ("patch", "image", "tag"),
        ("patch", "inherit", "0"),
        ("patch", "remove", "0"),
    }


def test_a_patch_that_names_a_hundred_thousand_keys_should_be_read() -> None:
    names = [f"env.V{number}" for number in range(50_000)]
    shape = {"inherit": names, "remove": [f"{name}X" for name in names]}
    patch, problems = checked_patch(shape, "patch")
    assert problems == []
    assert len(patch.inherits) == len(patch.removes) == 50_000


@pytest.mark.parametrize("setting", [*SETTINGS], ids=lambda setting: setting.name)
def test_every_setting_should_have_a_wrong_value_in_the_table(setting: Any) -> None:
    exempt = {"command", "annotations", "nodeSelector"}  # of the same kind as `args` and `labels`
    assert setting.name in exempt or any(where[0] == setting.name for _, where in WRONG.values())
