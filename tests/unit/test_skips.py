"""A tier that is skipped in CI would be green for ever after: this is what keeps that from happening."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPED_TEST = """
import pytest

@pytest.mark.skip(reason="no such service")
def test_it(): pass
"""
SKIPPED_FIXTURE = """
import pytest

@pytest.fixture
def service(): pytest.skip("no such service")

def test_it(service): pass
"""
SKIPPED_MODULE = """
import pytest

pytest.skip("no such service", allow_module_level=True)
"""
EXPECTED_FAILURE = """
import pytest

@pytest.mark.xfail(reason="known")
def test_it(): raise AssertionError
"""
PASSING = "def test_it(): pass"


def run(folder: Path, test: str, ci: str) -> tuple[int, str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", "-ra"]
    environment = os.environ | {"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("test", [SKIPPED_TEST, SKIPPED_FIXTURE, SKIPPED_MODULE], ids=["test", "fixture", "module"])
def test_skip_should_fail_in_ci_and_give_its_reason(tmp_path: Path, test: str) -> None:
    code, output = run(tmp_path, test, "true")

    assert code not in (0, 5)
    assert "no such service" in output
    assert "Nothing may be skipped where CI=true." in output


@pytest.mark.parametrize("test", [SKIPPED_TEST, SKIPPED_FIXTURE], ids=["test", "fixture"])
def test_skip_should_be_only_told_on_a_laptop(tmp_path: Path, test: str) -> None:
    code, output = run(tmp_path, test, "")

    assert code == 0
    assert "no such service" in output


@pytest.mark.parametrize("test", [PASSING, EXPECTED_FAILURE], ids=["passing", "expected failure"])
def test_other_outcomes_should_stay_as_they_are_in_ci(tmp_path: Path, test: str) -> None:
    assert run(tmp_path, test, "true")[0] == 0
