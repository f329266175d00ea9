"""Log lines in GraphQL, and the feed of many containers' logs."""

from collections.abc import Callable
from enum import Enum

import strawberry

from nexus_gql import clock
from nexus_gql.live import (
    Cursor,
    Follower,
    Gap,
    Line,
    LogFrame,
    MalformedCursor,
    Pattern,
    Seen,
    Source,
    Start,
    UnusablePattern,
)
from nexus_gql.paths import Path
from nexus_gql.problems import BadRequest

from .context import Context
from .scalars import Duration, Instant


@strawberry.type(name="LogSource", description="A container whose log lines come from.")
class LogSource:
    cluster: str
    namespace: str = strawberry.field(description="The Kubernetes namespace.")
    pod: str
    container: str
    application: Path | None = strawberry.field(description="The application's path; null for what nobody declared.")


@strawberry.type(description="One line that a container wrote.")
class LogLine:
    at: Instant = strawberry.field(description="When, to the nanosecond.")
    text: str = strawberry.field(description="The line without its end; bytes that are no text show as U+FFFD.")
    source: LogSource
    truncated: bool = strawberry.field(description="Whether the line was longer than is sent.")


@strawberry.enum(description="Why something was left out of a feed.")
class GapReason(Enum):
    SLOW_READER = "SLOW_READER"
    ROTATED = "ROTATED"
    SOURCE_LOST = "SOURCE_LOST"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    RATE_LIMIT = "RATE_LIMIT"
    LIMIT = "LIMIT"


@strawberry.type(description="Something that had to be left out: never in silence.")
class FeedGap:
    source: LogSource | None = strawberry.field(description="Where, if it is one container's.")
    from_: Instant | None = strawberry.field(name="from", description="From when on, where that is known.")
    to: Instant | None = strawberry.field(description="Until when, where that is known.")
    lines: int | None = strawberry.field(description="How many, where that is known.")
    reason: GapReason
    message: str = strawberry.field(description="The reason as a sentence.")


@strawberry.type(description="Some lines in the order of their times, and what else happened to their sources.")
class LogUpdate:
    lines: list[LogLine]
    cursor: str = strawberry.field(description="Hand it back as `after` to go on without loss or repetition.")
    gaps: list[FeedGap] = strawberry.field(description="What had to be left out before these lines.")
    opened: list[LogSource] = strawberry.field(description="Sources that are followed from now on.")
    closed: list[LogSource] = strawberry.field(description="Sources that have ended.")


@strawberry.input(
    description="Which logs. `scope` is any level; its pods are followed as they come and go. Instead of it, for those who may "
    "view everything: `cluster` with `kubernetesNamespace`."
)
class LogInput:
    scope: Path | None = strawberry.field(default=None, description="A level.")
    cluster: str | None = strawberry.field(default=None, description="A cluster's name, instead of a scope.")
    kubernetes_namespace: str | None = strawberry.field(
        default=None, description="A Kubernetes namespace of that cluster."
    )
    pod: str | None = strawberry.field(default=None, description="Only this pod's.")
    container: str | None = strawberry.field(default=None, description="Only containers of this name.")
    tail: int | None = strawberry.field(
        default=100,
        description="The last lines of each container, counted before grep; null: from the start. Not looked at with `after`.",
    )
    since: Duration | None = strawberry.field(
        default=None, description="Nothing older than this. Not looked at with `after`."
    )
    previous: bool | None = strawberry.field(
        default=False,
        description="Of the containers before their last restart: those lines come, and nothing after them, as without `follow`. "
        "Of a container that never restarted, none.",
    )
    grep: str | None = strawberry.field(default=None, description="Only lines that match, in RE2 syntax.")
    invert: bool | None = strawberry.field(default=False, description="Only lines that do not match.")
    follow: bool | None = strawberry.field(
        default=True, description="False: the feed completes after the last line that is there."
    )
    after: str | None = strawberry.field(default=None, description="A cursor: go on after it.")

    @property
    def follows(self) -> bool:
        """Whether it goes on after what is there; nothing comes any more of a container that was restarted."""
        return self.follow is not False and not self.previous


def log_source(context: Context, source: Source) -> LogSource:
    """A source as it is shown."""
    level = context.rooms.hierarchy.latest.by_id(source.application_id) if source.application_id else None
    return LogSource(
        cluster=source.cluster,
        namespace=source.namespace,
        pod=source.pod,
        container=source.container,
        application=None if level is None else level.path,
    )


def log_line(context: Context, source: Source, line: Line) -> LogLine:
    """A line as it is shown."""
    return LogLine(
        at=Instant(clock.format_instant(line.at)),
        text=line.text,
        source=log_source(context, source),
        truncated=line.truncated,
    )


def span(text: Duration | None, name: str = "since") -> float | None:
    """Seconds in a Duration argument; BadRequest where it is none."""
    try:
        return None if text is None else clock.parse_duration(text)
    except ValueError as error:
        raise BadRequest(f"{name}: {error}") from error


def follower(
    context: Context,
    wanted: LogInput,
    look: Callable[[], Seen],
    *,
    for_others: bool = False,
) -> Follower:
    """A reader for what an input asks; BadRequest where that cannot be read. `for_others`: of what is written from now on."""
    if wanted.tail is not None and wanted.tail < 0:
        raise BadRequest("`tail` is 0 or more.")
    try:
        pattern = Pattern.of(wanted.grep, invert=bool(wanted.invert))
        cursor = None if wanted.after is None else Cursor.read(wanted.after)
    except (UnusablePattern, MalformedCursor) as error:
        raise BadRequest(str(error)) from error
    start = Start(tail=wanted.tail, since=span(wanted.since), previous=bool(wanted.previous))
    return Follower(
        context.rooms.live.taps,
        look,
        Start(tail=0) if for_others else start,
        None if for_others else cursor,
        pattern,
        follow=wanted.follows,
        asked=start if for_others else None,
    )


def _gap(context: Context, gap: Gap) -> FeedGap:
    return FeedGap(
        source=None if gap.source is None else log_source(context, gap.source),
        from_=None if gap.since is None else Instant(clock.format_instant(gap.since)),
        to=None if gap.until is None else Instant(clock.format_instant(gap.until)),
        lines=gap.lines,
        reason=GapReason(gap.reason.value),
        message=gap.message,
    )


def log_update(context: Context, frame: LogFrame) -> LogUpdate:
    """A frame as it is sent."""
    shown = {source.key: log_source(context, source) for source, _ in frame.lines}
    return LogUpdate(
        lines=[
            LogLine(
                at=Instant(clock.format_instant(line.at)),
                text=line.text,
                source=shown[source.key],
                truncated=line.truncated,
            )
            for source, line in frame.lines
        ],
        cursor=frame.cursor,
        gaps=[_gap(context, gap) for gap in frame.gaps],
        opened=[log_source(context, source) for source in frame.opened],
        closed=[log_source(context, source) for source in frame.closed],
    )
