"""How long a server takes from its start to /readyz on SQLite, beside what Python takes to import the libraries alone.

Run by `scripts/bench start`. Prints a table; asserts nothing.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

_RUNS = 5
_LIMIT = 30.0
_LIBRARIES = "import strawberry, starlette, uvicorn, kubernetes_asyncio, aiodocker, tortoise, websockets"


def main() -> None:
    """Measure a first start (which makes the database), later ones, and the imports."""
    with tempfile.TemporaryDirectory() as data:
        first, *later = [_start(data) for _ in range(_RUNS + 1)]
    imports = [_imports() for _ in range(_RUNS)]
    base = statistics.median(imports)
    print(f"{'what':<34}{'seconds':>9}{'ratio':>8}")
    for name, seconds in (
        ("importing the libraries (baseline)", base),
        ("first start to /readyz", first),
        ("later start to /readyz (median)", statistics.median(later)),
    ):
        print(f"{name:<34}{seconds:>9.2f}{seconds / base:>8.2f}")


def _start(data: str) -> float:
    environment = {**os.environ, "NEXUS_DATA": data, "NEXUS_LOG_LEVEL": "error"}
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "nexus_gql.cli", "serve", "--port", "0"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = next(word for line in process.stderr or () for word in line.split() if word.startswith("http://"))
        _ready(url, started)
        return time.monotonic() - started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _ready(url: str, started: float) -> None:
    while time.monotonic() - started < _LIMIT:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=1) as answer:
                if answer.status == 200:
                    return
        except urllib.error.URLError:
            time.sleep(0.005)
    raise TimeoutError(f"not ready within {_LIMIT} s")


def _imports() -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", _LIBRARIES], check=True)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
