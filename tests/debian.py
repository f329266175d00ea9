"""Debian packages that fixtures need: installed where that can be done without asking, else the test is skipped."""

import os
import shutil
import subprocess

import pytest


def install(package: str, *, because: str) -> None:
    """Have a package installed by apt, or skip the test with a sentence that says how to have it."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip(f"{because}: on Debian or Ubuntu, sudo apt-get install {package}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        done = subprocess.run(["apt-get", *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{because}, and apt-get {command[0]} failed: {done.stderr.strip()[-300:]}")
