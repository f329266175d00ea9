"""The Dockerfile, built for real: on the base it names where the engine has that, else on this machine's own Python."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.base_image import base

ROOT = Path(__file__).parents[2]
IMAGE = "nexus-test/server:1"

# What a user of the image relies on: an account that is not root and owns the data, the pages, and the migrations.
INSIDE = """
import importlib.resources, json, os, pathlib, nexus_gql
data = pathlib.Path(os.environ["NEXUS_DATA"])
(data / "probe").write_text("")
print(json.dumps({
    "user": os.getuid(),
    "page": importlib.resources.files("nexus_gql").joinpath("server/web/graphiql.html").is_file(),
    "migrations": importlib.resources.files("migrations").joinpath("0001_initial.py").is_file(),
    "installed": "src" not in pathlib.Path(nexus_gql.__file__).parts,
}))
"""


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image() -> str:
    """The image. The build reaches package registries as this machine does: through its own network."""
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("No Docker engine answers")
    docker("build", "--network", "host", "--build-arg", f"BASE={base()}", "--tag", IMAGE, str(ROOT))
    return IMAGE


@pytest.fixture
def container(image: str) -> Iterator[str]:
    """A container of it, as `docker run` makes one, whose health is looked at each second."""
    name = docker("run", "--detach", "--publish", "127.0.0.1::8090", "--health-interval", "1s", image)
    yield name
    docker("rm", "--force", "--volumes", name)


def test_image_should_hold_an_installed_server_that_is_not_root_and_can_write_its_data(image: str) -> None:
    inside = json.loads(docker("run", "--rm", "--entrypoint", "python", image, "-c", INSIDE))

    assert inside == {"user": 10001, "page": True, "migrations": True, "installed": True}


def test_container_should_become_healthy_by_its_own_check(container: str) -> None:
    end = time.monotonic() + 60
    while (state := health(container)) != "running healthy":
        assert not state.startswith("exited"), said(container)
        assert time.monotonic() < end, f"{state}: {said(container)}"
        time.sleep(0.3)


def health(container: str) -> str:
    return docker("inspect", "-f", "{{.State.Status}} {{.State.Health.Status}}", container)


def said(container: str) -> str:
    both = ["docker", "logs", container]
    return subprocess.run(both, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
