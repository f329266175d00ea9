"""What should run: the four levels, their settings, and where each value comes from."""

from .catalogue import Application, Catalogue, Concern, Environment, Level, Namespace, Project, Stage
from .configuring import Configured, checked_patch, configure, configure_within, preview, references
from .consistency import autoscaled, default_port, entries, inconsistencies, missing
from .current import Change, Hierarchy
from .declaration import Declaration, Group, Named, Single, UnknownKey
from .defaults import ApplicationKind, workload_kind
from .documents import Document, flattened, is_secret, masked, nested, removed
from .levels import LevelChange, NewLevel, check_new, create, delete, in_use, update
from .patches import Patch
from .provenance import Effective, Frozen, Origin, OriginKind, Resolved, freeze, masked_overrides, thaw
from .rules import RESERVED, read_quantity
from .running import record_running
from .settings import SETTINGS, CronConcurrency, Need, RolloutStrategy, WorkloadKind
from .values import Boolean, Choice, Field, Integer, Json, Kind, Pairs, Record, Records, Text, Texts, Variant
from .versions import level_at

__all__ = [
    "RESERVED",
    "SETTINGS",
    "Application",
    "ApplicationKind",
    "Boolean",
    "Catalogue",
    "Change",
    "Choice",
    "Concern",
    "Configured",
    "CronConcurrency",
    "Declaration",
    "Document",
    "Effective",
    "Environment",
    "Field",
    "Frozen",
    "Group",
    "Hierarchy",
    "Integer",
    "Json",
    "Kind",
    "Level",
    "LevelChange",
    "Named",
    "Namespace",
    "Need",
    "NewLevel",
    "Origin",
    "OriginKind",
    "Pairs",
    "Patch",
    "Project",
    "Record",
    "Records",
    "Resolved",
    "RolloutStrategy",
    "Single",
    "Stage",
    "Text",
    "Texts",
    "UnknownKey",
    "Variant",
    "WorkloadKind",
    "autoscaled",
    "check_new",
    "checked_patch",
    "configure",
    "configure_within",
    "create",
    "default_port",
    "delete",
    "entries",
    "flattened",
    "freeze",
    "in_use",
    "inconsistencies",
    "is_secret",
    "level_at",
    "masked",
    "masked_overrides",
    "missing",
    "nested",
    "preview",
    "read_quantity",
    "record_running",
    "references",
    "removed",
    "thaw",
    "update",
    "workload_kind",
]
