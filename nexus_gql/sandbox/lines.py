"""What a container of a certain name would write: a model, a server, a web page, an agent, a job; and how one ends."""

import bisect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Protocol
from zlib import crc32

from nexus_gql.sandbox.container import Past
from nexus_gql.sandbox.images import word_of
from nexus_gql.sandbox.store import Object

_ROTATED = 10 * 1024 * 1024
_MEAN = 110
"""Bytes of a line, on the average: what rotation counts with."""
_STARTING = 0.05
"""Seconds between the lines of the start."""
_FLOOD = 500.0
"""Lines a second from which on they must cost next to nothing: the same few come again and again, each with its number."""
_SAMPLES = 64

Writer = Callable[[Random, datetime], str]


class Wanted(Protocol):
    """What of a log is asked for."""

    @property
    def tail(self) -> int | None: ...
    @property
    def since(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Journal:
    """The log of one run of a container: line and instant by number."""

    uid: str
    spec: Object
    run: Past
    seed: int

    def of(self, run: Past) -> "Journal":
        """The same one, further on."""
        return self if run == self.run else replace(self, run=run)

    @property
    def rate(self) -> float:
        """Lines a second: one every two to six seconds, or as SANDBOX_LOG_RATE says."""
        for item in self.spec.get("env") or ():
            if item["name"] == "SANDBOX_LOG_RATE" and item.get("value"):
                return max(float(item["value"]), 0.0)
        return 1 / (2 + 4 * (crc32(self.uid.encode()) / 2**32))

    @property
    def floods(self) -> bool:
        """Whether it writes more than anybody would invent."""
        return self.rate >= _FLOOD

    @property
    def samples(self) -> list[str]:
        """What a flood is made of."""
        random = Random(f"{self.seed}/{self.uid}/{self.spec['name']}/{self.run.number}")  # noqa: S311 - no secret
        began, write = datetime.fromtimestamp(self.run.began, UTC), _kind_of(self.spec)[1]
        return [write(random, began) for _ in range(_SAMPLES)]

    @property
    def starting(self) -> list[str]:
        """The lines of the start."""
        image, name = self.spec.get("image", ""), self.spec["name"]
        return [text.format(image=image, name=name, port=_port(self.spec)) for text in _kind_of(self.spec)[0]]

    @property
    def ending(self) -> list[str]:
        """The last words of a run that came to its end."""
        if self.run.ended is None:
            return []
        if self.run.code == 0:
            return ["INFO done, 0 errors"] if self.run.reason == "Completed" else []
        return _LAST_WORDS.get(word_of(self.spec.get("image", "")), ["ERROR terminated"])

    def instant(self, number: int) -> float:
        """When a line is written: those of the start in quick order, the others at their rate, never back in time."""
        first = len(self.starting)
        if self.run.ended is not None and number >= self._regular(self.run.ended):
            return self.run.ended
        if number < first:
            return self.run.began + number * _STARTING
        if not self.rate:
            return float("inf")
        jitter = 0.0 if self.floods else 0.8 * (crc32(f"{self.uid}{number}".encode()) / 2**32)
        return self.run.began + first * _STARTING + (number - first + jitter) / self.rate

    def count(self, now: float) -> int:
        """How many lines there are."""
        if self.run.ended is not None and self.run.ended <= now:
            return self._regular(self.run.ended) + len(self.ending)
        return self._regular(now)

    def first(self, now: float, wanted: Wanted) -> int:
        """The first line to be read: not of a file that was rotated away, not before a time, not beyond a tail."""
        total = self.count(now)
        file = _ROTATED // _MEAN
        found = (total - 1) // file * file if total else 0
        if wanted.since is not None:
            found = max(found, self._before(wanted.since))
        if wanted.tail is not None:
            found = max(found, total - max(wanted.tail, 0))
        return found

    def line(self, number: int) -> str:
        """A line's text."""
        starting = self.starting
        if number < len(starting):
            return starting[number]
        if self.run.ended is not None and number >= (regular := self._regular(self.run.ended)):
            return self.ending[number - regular]
        if self.floods:
            return f"{self.samples[number % _SAMPLES]} line={number}"
        random = Random(f"{self.seed}/{self.uid}/{self.spec['name']}/{self.run.number}/{number}")  # noqa: S311 - no secret
        return _kind_of(self.spec)[1](random, datetime.fromtimestamp(self.instant_of_text(number), UTC))

    def flood(self, first: int, until: int) -> Iterator[tuple[int, str]]:
        """The instants, in nanoseconds, and texts of some lines of a flood. The last words of a run are no part of it."""
        samples, rate, starting = self.samples, self.rate, len(self.starting)
        began = self.run.began + starting * _STARTING
        for number in range(first, until):
            instant = int((began + (number - starting) / rate) * 1_000_000_000)
            yield instant, f"{samples[number % _SAMPLES]} line={number}"

    def instant_of_text(self, number: int) -> float:
        """When a line says it was written: without looking at the end of the run, which came later."""
        return (
            replace(self, run=replace(self.run, ended=None)).instant(number)
            if self.run.ended is not None
            else self.instant(number)
        )

    @property
    def regular(self) -> range:
        """The numbers of the lines between those of the start and the last words, as far as is known."""
        end = sys.maxsize if self.run.ended is None else self._regular(self.run.ended)
        return range(len(self.starting), max(len(self.starting), end))

    def _regular(self, now: float) -> int:
        """Lines before a moment, without the last words."""
        first = len(self.starting)
        open_ = self if self.run.ended is None else replace(self, run=replace(self.run, ended=None))
        if now < self.run.began:
            return 0
        began = self.run.began + first * _STARTING
        if now < began or not self.rate:
            return min(int((now - self.run.began) / _STARTING + 1e-6) + 1, first)
        guess = first + int((now - began) * self.rate)
        return guess + (1 if open_.instant(guess) <= now else 0)

    def _before(self, since: float) -> int:
        """Lines that were written before a time."""
        return bisect.bisect_left(range(self.count(since) + len(self.ending) + 1), since, key=self.instant)


def _model(random: Random, now: datetime) -> str:
    stamp = f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d}"
    if random.random() < 0.06:
        return f"{stamp} WARNING serving.predict feature 'tenure_months' missing in {random.randint(1, 9)} rows, filled with the median"
    rows, took = random.choice((1, 8, 32, 64, 256)), random.uniform(3, 90)
    return f"{stamp} INFO serving.predict request={random.getrandbits(48):012x} rows={rows} took={took:.1f}ms mean_score={random.random():.3f}"


def _server(random: Random, _now: datetime) -> str:
    path = random.choice(("/features/churn", "/features/demand", "/query", "/healthz", "/datasets/sales?limit=1000"))
    method, status = (
        ("POST", 200) if path == "/query" else ("GET", random.choices((200, 304, 404, 500), (90, 6, 3, 1))[0])
    )
    words = {200: "OK", 304: "Not Modified", 404: "Not Found", 500: "Internal Server Error"}
    client = f"10.244.{random.randint(0, 3)}.{random.randint(4, 250)}:{random.randint(30000, 60000)}"
    return f'INFO:     {client} - "{method} {path} HTTP/1.1" {status} {words[status]}'


def _page(random: Random, now: datetime) -> str:
    path = random.choice(
        ("/", "/index.html", "/assets/index-4f2c.js", "/assets/index-91ab.css", "/favicon.ico", "/api/session")
    )
    client = f"10.244.0.{random.randint(2, 250)}"
    return f'{client} - - [{now:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" 200 {random.randint(180, 90000)} "-" "Mozilla/5.0"'


def _agent(random: Random, now: datetime) -> str:
    step = random.choice(("plan", "tool:search", "tool:sql", "reflect", "answer"))
    tokens = random.randint(40, 2400)
    return f'{{"time":"{now:%Y-%m-%dT%H:%M:%S}Z","level":"info","step":"{step}","tokens":{tokens},"ms":{random.randint(80, 6000)}}}'


def _task(random: Random, now: datetime) -> str:
    return f"{now:%H:%M:%S} INFO wrote {random.randint(200, 9000)} rows to part-{random.randint(0, 99):05d}.parquet"


_KINDS: tuple[tuple[tuple[str, ...], list[str], Writer], ...] = (
    (
        ("web", "frontend", "portal", "ui", "nginx", "fdk", "page"),
        ["/docker-entrypoint.sh: Configuration complete; ready for start up", "nginx/1.27.2 on port {port}"],
        _page,
    ),
    (
        ("agent", "assistant", "copilot"),
        ['{{"level":"info","message":"agent {name} ready","image":"{image}"}}'],
        _agent,
    ),
    (("job", "train", "etl", "import", "export", "backup", "migrat", "batch"), ["INFO starting {image}"], _task),
    (
        ("model", "mdk", "predict", "forecast", "scor", "churn", "classif"),
        [
            "INFO serving.main loading {image}",
            "INFO serving.main weights loaded",
            "INFO serving.main listening on :{port}",
        ],
        _model,
    ),
)
_OTHERS: tuple[list[str], Writer] = (
    [
        "INFO:     Started server process [1]",
        "INFO:     Application startup complete.",
        "INFO:     Uvicorn running on http://0.0.0.0:{port}",
    ],
    _server,
)
_LAST_WORDS = {
    "crash": [
        "Traceback (most recent call last):",
        '  File "/app/main.py", line 41, in <module>',
        "    settings = Settings.from_environment()",
        '  File "/app/settings.py", line 17, in from_environment',
        "    return cls(database=os.environ['DATABASE_URL'])",
        "KeyError: 'DATABASE_URL'",
    ],
    "flaky": [
        "ERROR connection to upstream lost: [Errno 104] Connection reset by peer",
        "FATAL giving up after 5 attempts",
    ],
    "oom": ["WARNING memory nearly used up, cache not evicted"],
}


def _kind_of(spec: Object) -> tuple[list[str], Writer]:
    """By words in the image's name."""
    image = spec.get("image", "").lower()
    for words, starting, writer in _KINDS:
        if any(word in image for word in words):
            return starting, writer
    return _OTHERS


def _port(spec: Object) -> int:
    ports = spec.get("ports") or ()
    return int(ports[0]["containerPort"]) if ports else 8080
