"""What an image does, told from its name: the whole of the sandbox's make-believe. Documented in docs/sandbox.md."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from random import Random

_WORDS = ("missing", "crash", "oom", "slow", "flaky", "unready", "done", "pause")
_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})\Z")
SLOW = 30.0
"""Seconds that a `slow` image needs until it answers."""

TOO_LATE = 3600.0
"""What crashes at its start never came to answer."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a container will do, in seconds from its start. None: never."""

    answers: float | None
    """From when on its probes succeed that ask whether it serves."""
    lives: float
    """From when on its probes succeed that ask whether it lives."""
    ends: float | None
    code: int = 0
    reason: str = "Completed"
    listens: bool = True
    """Whether anything answers probes at all."""


@lru_cache(maxsize=8192)
def word_of(image: str) -> str:
    """The behaviour that an image's tag, or else the last part of its repository, ends in; the empty text where none."""
    repository, tag = _parts(image)
    names = (tag, repository.rsplit("/", 1)[-1])
    return next((word for name in names for word in _WORDS if name.endswith(word)), "")


@lru_cache(maxsize=8192)
def full_name(image: str) -> str:
    """As a container's status calls it: with the registry."""
    head = image.split("/", 1)[0]
    if "/" not in image:
        return f"docker.io/library/{image}"
    return image if "." in head or ":" in head or head == "localhost" else f"docker.io/{image}"


@lru_cache(maxsize=8192)
def id_of(image: str) -> str:
    """The same for the same name, or the digest where the name has one."""
    digest = _DIGEST.search(image)
    return full_name(image) if digest else f"sha256:{hashlib.sha256(full_name(image).encode()).hexdigest()}"


@lru_cache(maxsize=8192)
def size_of(image: str) -> int:
    """Bytes: between 40 and 400 MB, the same for the same name."""
    return 40_000_000 + int(hashlib.sha256(image.encode()).hexdigest()[:8], 16) % 360_000_000


def run_of(image: str, *, finite: bool, random: Random) -> Run:
    """One run. `finite`: of a job or an init container, which end by themselves."""
    word = word_of(image)
    match word:
        case "crash":
            return Run(TOO_LATE, 0.0, random.uniform(1.5, 3.0), 1, "Error")
        case "oom":
            return Run(0.0, 0.0, random.uniform(4.0, 8.0), 137, "OOMKilled")
        case "flaky":
            ends = random.uniform(2.0, 5.0) if finite else random.uniform(120.0, 240.0)
            if finite and random.random() < 0.5:
                return Run(0.0, 0.0, ends)
            return Run(0.0, 0.0, ends, 1, "Error")
        case "done":
            return Run(0.0, 0.0, random.uniform(2.0, 4.0))
        case "pause":
            return Run(0.0, 0.0, None, listens=False)
    first = SLOW if word == "slow" else 0.0
    finish = first + random.uniform(3.0, 6.0) if finite else None
    return Run(None if word == "unready" else first, first, finish)


def _parts(image: str) -> tuple[str, str]:
    name = _DIGEST.sub("", image)
    repository, colon, tag = name.rpartition(":")
    return (name, "") if not colon or "/" in tag else (repository, tag)
