"""Under CI=true a skipped test is a failed one: there, what a tier needs has to be had. On a laptop a skip says why.

A plugin of pytest's; pyproject.toml names it.
"""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if _in_ci() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = _sentence(report.longrepr)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if _in_ci() and report.skipped:
        report.outcome = "failed"
        report.longrepr = _sentence(report.longrepr)
    return report


def _in_ci() -> bool:
    return os.environ.get("CI") == "true"


def _sentence(reason: object) -> str:
    # pytest gives (file, line, "Skipped: …") for a skip that it has seen happen.
    where, text = (f"{reason[0]}:{reason[1]}: ", reason[2]) if isinstance(reason, tuple) else ("", reason)
    return f"{where}{text}\nNothing may be skipped where CI=true."
