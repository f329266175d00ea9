"""What should run: the four levels, their settings, and where each value comes from."""

from .catalogue import Application, Catalogue, Concern, Environment, Level, Namespace, Project, Stage, counterparts
from .cloning import Cloned, MissingSecret, check_clone, clone
from .comparison import LeafChange, compare
from .configuring import Configured, checked_patch, configure, configure_within, out_of_sight, preview, references
from .consistency import autoscaled, default_port, entries, inconsistencies, missing
from .current import Change, Hierarchy
from .declaration import Declaration, Group, Named, Single, UnknownKey
from .defaults import ApplicationKind, workload_kind
from .differences import Difference, differs, merged, reached
from .documents import Document, flattened, is_secret, masked, nested, removed
from .inherited import inherited
from .levels import (
    Created,
    LevelChange,
    NewLevel,
    check_new,
    create,
    delete,
    delete_within,
    in_use,
    refuse_closed,
    update,
)
from .object_names import exposed, governing_service, object_name, service_name, service_names, short_name
from .patches import Patch
from .provenance import Effective, Frozen, Origin, OriginKind, Resolved, freeze, masked_overrides, thaw
from .rules import RESERVED, read_quantity
from .running import record_running
from .search import Fit, best_fit
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
    "Cloned",
    "Concern",
    "Configured",
    "Created",
    "CronConcurrency",
    "Declaration",
    "Difference",
    "Document",
    "Effective",
    "Environment",
    "Field",
    "Fit",
    "Frozen",
    "Group",
    "Hierarchy",
    "Integer",
    "Json",
    "Kind",
    "LeafChange",
    "Level",
    "LevelChange",
    "MissingSecret",
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
    "best_fit",
    "check_clone",
    "check_new",
    "checked_patch",
    "clone",
    "compare",
    "configure",
    "configure_within",
    "counterparts",
    "create",
    "default_port",
    "delete",
    "delete_within",
    "differs",
    "entries",
    "exposed",
    "flattened",
    "freeze",
    "governing_service",
    "in_use",
    "inconsistencies",
    "inherited",
    "is_secret",
    "level_at",
    "masked",
    "masked_overrides",
    "merged",
    "missing",
    "nested",
    "object_name",
    "out_of_sight",
    "preview",
    "reached",
    "read_quantity",
    "record_running",
    "references",
    "refuse_closed",
    "removed",
    "service_name",
    "service_names",
    "short_name",
    "thaw",
    "update",
    "workload_kind",
]
