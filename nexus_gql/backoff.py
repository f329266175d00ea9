"""The one retry policy: exponential waits with jitter and a ceiling, forgotten after a calm period.

The numbers are those of the reflector in client-go and of kube-rs's `watcher::DefaultBackoff`: 0.8 s first, doubled each time,
30 s at most, reset after two calm minutes. The jitter adds up to the wait itself, so that a hundred reflectors that lost the
same apiserver do not come back in step.
"""

import random
from dataclasses import dataclass, field

from . import clock


def _never() -> float:
    return float("-inf")


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next try. One owner, one thing tried."""

    first: float = 0.8
    ceiling: float = 30.0
    calm: float = 120.0
    failures: int = 0
    _last: float = field(default_factory=_never)

    def failed(self) -> float:
        """Count a failure and say how many seconds to wait."""
        now = clock.elapsed()
        if now - self._last > self.calm:
            self.failures = 0
        self._last = now
        wait = self._wait(self.failures)
        self.failures += 1
        return float(min(self.ceiling, wait * (1 + random.random())))  # noqa: S311

    @property
    def at_ceiling(self) -> bool:
        """Whether it has failed so often that waits no longer grow: time to say so loudly."""
        return self._wait(max(0, self.failures - 1)) >= self.ceiling

    def succeeded(self) -> None:
        """Forget the failures: for what has an unmistakable success, such as a request that was answered."""
        self.failures = 0
        self._last = float("-inf")

    def _wait(self, failures: int) -> float:
        # A cluster that is gone for a weekend fails thousands of times, and 2.0 ** 1024 is an error.
        return float(min(self.ceiling, self.first * 2.0 ** min(failures, 64)))
