"""One container of a pod, as the kubelet brings it up, watches it and starts it again: a state machine on virtual time."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random

from nexus_gql.sandbox import images
from nexus_gql.sandbox.objects import stamp_of
from nexus_gql.sandbox.probes import Course, course_of
from nexus_gql.sandbox.store import Object

FIRST_WAIT, LONGEST_WAIT = 10.0, 300.0
"""Back-off of images and of containers that end: doubled each time (the kubelet's own numbers)."""
_CALM = 600.0
"""A container that ran so long is started at once when it ends: twice the longest wait."""
_AGAIN = 12.0
"""How often the kubelet looks at a pod that cannot get on, and says so again."""
_SOON = 0.002

Say = Callable[[str, str, str], None]
"""Tells an event about this container: type, reason, message."""


class Stage(Enum):
    """Where a container stands."""

    WAITING = auto()
    CREATING = auto()
    PULL_FAILED = auto()
    PULL_WAITS = auto()
    UNCONFIGURED = auto()
    RUNNING = auto()
    ENDED = auto()
    RESTART_WAITS = auto()


@dataclass(frozen=True, slots=True)
class Past:
    """One run of a container: what its log is made of."""

    number: int
    began: float
    ended: float | None
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Around:
    """What a container needs from the pod and the node it is in."""

    pod: str
    namespace: str
    uid: str
    address: str
    random: Random
    images: set[str]
    say: Say
    missing_value: Callable[[Object], str | None]


@dataclass(slots=True)
class Container:
    """A container. `due`: when something happens to it next; None while nothing will by itself."""

    spec: Object
    init: bool
    policy: str
    finite: bool
    state: Object
    stage: Stage = Stage.WAITING
    due: float | None = None
    last: Object = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    code: int | None = None
    runs: list[Past] = field(default_factory=list)
    run: images.Run | None = None
    course: Course | None = None
    retry: float = 0.0
    pull_wait: float = FIRST_WAIT
    restart_wait: float = 0.0

    @property
    def name(self) -> str:
        """Its name."""
        found: str = self.spec["name"]
        return found

    @property
    def over(self) -> bool:
        """It ended and is not started again."""
        return self.stage is Stage.ENDED and self.due is None

    @property
    def began_ever(self) -> bool:
        """It ran at least once."""
        return bool(self.runs)

    def step(self, now: float, around: Around) -> None:
        """Let everything happen that is due."""
        if self.stage is Stage.WAITING:
            self._prepare(now, around)
        while self.due is not None and self.due <= now + _SOON:
            _STEPS[self.stage](self, now, around)

    def stop(self, now: float, around: Around, *, code: int) -> None:
        """The pod is to go: the container ends, whatever it was about to do."""
        if self.stage is Stage.RUNNING:
            self._end(now, around, code, "Error" if code else "Completed")
        self.stage, self.due, self.ready, self.started = Stage.ENDED, None, False, False

    # ── to the start ──

    def _prepare(self, now: float, around: Around) -> None:
        image, policy = self.spec.get("image", ""), self.spec.get("imagePullPolicy", "IfNotPresent")
        here = image in around.images or policy == "Never"
        self.stage = Stage.CREATING
        if here and policy != "Always":
            self.due = now + around.random.uniform(0.3, 0.6)
            return
        around.say("Normal", "Pulling", f'Pulling image "{image}"')
        self.retry = now
        self.due = now + around.random.uniform(0.5, 0.9)

    def _created(self, now: float, around: Around) -> None:
        image, policy = self.spec.get("image", ""), self.spec.get("imagePullPolicy", "IfNotPresent")
        if images.word_of(image) == "missing":
            self._pull_failed(now, around, image)
            return
        if policy == "Always" or (image not in around.images and policy != "Never"):
            took = f"{round((now - self.retry) * 1000)}ms"
            size = images.size_of(image)
            message = (
                f'Successfully pulled image "{image}" in {took} ({took} including waiting). Image size: {size} bytes.'
            )
            around.say("Normal", "Pulled", message)
            around.images.add(image)
        else:
            around.say("Normal", "Pulled", f'Container image "{image}" already present on machine')
        self.pull_wait = FIRST_WAIT
        self._configure(now, around)

    def _configure(self, now: float, around: Around) -> None:
        why = around.missing_value(self.spec)
        if why is None:
            self._start(now, around)
            return
        around.say("Warning", "Failed", f"Error: {why}")
        self.stage, self.due = Stage.UNCONFIGURED, now + _AGAIN
        self.state = {"waiting": {"reason": "CreateContainerConfigError", "message": why}}

    def _start(self, now: float, around: Around) -> None:
        around.say("Normal", "Created", f"Created container: {self.name}")
        around.say("Normal", "Started", f"Started container {self.name}")
        number = self.restarts
        self.runs = [*self.runs[-1:], Past(number, now, None, 0, "")]
        self.run = images.run_of(self.spec.get("image", ""), finite=self.finite, random=around.random)
        self.course = course_of(self.spec, self.run, around.address)
        self.stage, self.state = Stage.RUNNING, {"running": {"startedAt": stamp_of(now)}}
        self.started = self.course.started == 0.0
        self.ready = self.course.ready == 0.0
        # From just before its start, so that a probe that fails at once is told.
        self._look_ahead(-_SOON)

    def _pull_failed(self, now: float, around: Around, image: str) -> None:
        why = _not_found(image)
        around.say("Warning", "Failed", f'Failed to pull image "{image}": {why}')
        around.say("Warning", "Failed", "Error: ErrImagePull")
        self.stage, self.due, self.retry = Stage.PULL_FAILED, now + 1.0, now + self.pull_wait
        self.pull_wait = min(self.pull_wait * 2, LONGEST_WAIT)
        self.state = {"waiting": {"reason": "ErrImagePull", "message": why}}

    def _pull_waits(self, now: float, around: Around) -> None:
        image = self.spec.get("image", "")
        if now + _SOON >= self.retry:
            self._prepare(now, around)
            return
        around.say("Normal", "BackOff", f'Back-off pulling image "{image}"')
        around.say("Warning", "Failed", "Error: ImagePullBackOff")
        message = f'Back-off pulling image "{image}": ErrImagePull: {_not_found(image)}'
        self.state = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
        self.stage, self.due = Stage.PULL_WAITS, min(now + _AGAIN, self.retry)

    # ── while it runs ──

    def _runs(self, now: float, around: Around) -> None:
        run, course = self.run, self.course
        if run is None or course is None:  # pragma: no cover - a container that runs has both
            self.due = None
            return
        moment = now - self.runs[-1].began + _SOON
        for failing in course.failing:
            due = failing.after(moment - 2 * _SOON)
            if due is not None and due <= moment:
                around.say("Warning", "Unhealthy", failing.message)
        self.started = course.started is not None and moment >= course.started
        self.ready = course.ready is not None and moment >= course.ready
        if course.killed is not None and moment >= course.killed:
            kind = course.killer.lower()
            around.say("Normal", "Killing", f"Container {self.name} failed {kind} probe, will be restarted")
            self._end(now, around, 137, "Error")
        elif run.ends is not None and moment >= run.ends:
            self._end(now, around, run.code, run.reason)
        else:
            self._look_ahead(moment)

    def _look_ahead(self, moment: float) -> None:
        """When something happens next to a container that runs."""
        if self.run is None or self.course is None:  # pragma: no cover - as above
            return
        course = self.course
        moments = [course.started, course.ready, course.killed, self.run.ends]
        coming = [found for found in moments if found is not None and found > moment]
        coming += [found for failing in course.failing if (found := failing.after(moment)) is not None]
        self.due = self.runs[-1].began + min(coming) if coming else None

    # ── after its end ──

    def _end(self, now: float, around: Around, code: int, reason: str) -> None:
        run = self.runs[-1]
        self.runs[-1] = Past(run.number, run.began, now, code, reason)
        self.code, self.ready, self.started = code, False, False
        ended = {
            "containerID": self.identity(around.uid),
            "exitCode": code,
            "finishedAt": stamp_of(now),
            "reason": reason,
            "startedAt": stamp_of(run.began),
        }
        self.state, self.stage = {"terminated": ended}, Stage.ENDED
        if now - run.began > _CALM:
            self.restart_wait = 0.0
        again = self.policy == "Always" or (self.policy == "OnFailure" and code != 0)
        self.due = now + 1.0 if again else None

    def _ended(self, now: float, around: Around) -> None:
        """The first time it is started again at once; then it waits, longer each time."""
        self.last = {"terminated": self.state["terminated"]}
        wait, self.restart_wait = self.restart_wait, min(self.restart_wait * 2 or FIRST_WAIT, LONGEST_WAIT)
        if wait == 0.0:
            self._restart(now, around)
            return
        self.retry = now + wait
        where = f"{around.pod}_{around.namespace}({around.uid})"
        text = f"back-off {_span(wait)} restarting failed container={self.name} pod={where}"
        self.state = {"waiting": {"reason": "CrashLoopBackOff", "message": text}}
        self.stage, self.due = Stage.RESTART_WAITS, now
        self._restart_waits(now, around)

    def _restart_waits(self, now: float, around: Around) -> None:
        if now + _SOON >= self.retry:
            self._restart(now, around)
            return
        where = f"{around.pod}_{around.namespace}({around.uid})"
        around.say("Warning", "BackOff", f"Back-off restarting failed container {self.name} in pod {where}")
        self.due = min(now + _AGAIN, self.retry)

    def _restart(self, now: float, around: Around) -> None:
        self.restarts += 1
        self._prepare(now, around)

    def identity(self, uid: str) -> str:
        """The container's id: another one for each run."""
        number = self.runs[-1].number if self.runs else 0
        return f"containerd://{hashlib.sha256(f'{uid}/{self.name}/{number}'.encode()).hexdigest()}"


_STEPS: dict[Stage, Callable[[Container, float, Around], None]] = {
    Stage.CREATING: Container._created,
    Stage.PULL_FAILED: Container._pull_waits,
    Stage.PULL_WAITS: Container._pull_waits,
    Stage.UNCONFIGURED: Container._created,
    Stage.RUNNING: Container._runs,
    Stage.ENDED: Container._ended,
    Stage.RESTART_WAITS: Container._restart_waits,
}


def _not_found(image: str) -> str:
    name = images.full_name(image)
    name = name if "@" in name or ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{name}": '
        f'failed to resolve reference "{name}": {name}: not found'
    )


def _span(seconds: float) -> str:
    """As Go writes it: `40s`, `2m40s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
