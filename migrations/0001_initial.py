"""The tables as the first version has them: written by `tortoise makemigrations`."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from nexus_gql.access.roles import Role


class Migration(migrations.Migration):
    """Makes every table."""

    initial = True

    operations = [
        ops.CreateModel(
            name="ApiToken",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("name", fields.CharField(max_length=255)),
                ("digest", fields.CharField(unique=True, max_length=64)),
                (
                    "role",
                    fields.IntEnumField(
                        description="NONE: 0\nVIEWER: 1\nDEPLOYER: 2\nADMIN: 3", enum_type=Role, generated=False
                    ),
                ),
                ("path", fields.CharField(null=True, max_length=255)),
                ("created_by", fields.CharField(max_length=255)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "api_token",
                "app": "nexus",
                "pk_attr": "id",
                "table_description": "A token's SHA-256 and what it may do at most. The token itself is shown once and kept nowhere.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Cluster",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("name", fields.CharField(unique=True, max_length=63)),
                ("kind", fields.CharField(max_length=16)),
                ("uid", fields.CharField(unique=True, max_length=64)),
                ("target", fields.JSONField(encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads)),
                ("credentials", fields.BinaryField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "cluster",
                "app": "nexus",
                "pk_attr": "id",
                "table_description": "One cluster. `uid` is that of its kube-system namespace, by which it is known whatever its address.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Grant",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("subject", fields.CharField(db_index=True, max_length=255)),
                (
                    "role",
                    fields.IntEnumField(
                        description="NONE: 0\nVIEWER: 1\nDEPLOYER: 2\nADMIN: 3", enum_type=Role, generated=False
                    ),
                ),
                ("path", fields.CharField(null=True, max_length=255)),
            ],
            options={
                "table": "grant",
                "app": "nexus",
                "unique_together": (("subject", "path"),),
                "pk_attr": "id",
                "table_description": "A role that somebody has at a level and below. Path null: everywhere.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Installation",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("changes", fields.BigIntField(default=0)),
                ("vault_check", fields.BinaryField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "installation",
                "app": "nexus",
                "pk_attr": "id",
                "table_description": "One row. Its id marks every object that this installation makes on a cluster.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Level",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ("path", fields.CharField(unique=True, max_length=255)),
                ("display_name", fields.CharField(max_length=255)),
                ("description", fields.TextField(null=True, unique=False)),
                (
                    "document",
                    fields.JSONField(
                        default=dict, encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("version", fields.IntField(default=1)),
                ("change", fields.BigIntField(db_index=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("stage", fields.CharField(null=True, max_length=16)),
                (
                    "cluster",
                    fields.ForeignKeyField(
                        "nexus.Cluster",
                        source_field="cluster_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="levels",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("concern", fields.CharField(null=True, max_length=16)),
                ("kubernetes_name", fields.CharField(null=True, max_length=63)),
                ("kind", fields.CharField(null=True, max_length=16)),
                ("deployed", fields.BooleanField(default=False)),
                ("operation_number", fields.BigIntField(default=0)),
                ("revision", fields.IntField(null=True)),
                ("restarted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "level",
                "app": "nexus",
                "unique_together": (("cluster", "kubernetes_name"),),
                "pk_attr": "id",
                "table_description": "One level. Which of the columns below the line are used follows from the path's depth.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Operation",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "application",
                    fields.ForeignKeyField(
                        "nexus.Level",
                        source_field="application_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="operations",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("path", fields.CharField(db_index=True, max_length=255)),
                ("kind", fields.CharField(max_length=16)),
                ("status", fields.CharField(db_index=True, max_length=20)),
                ("number", fields.BigIntField()),
                ("requested_by", fields.CharField(max_length=255)),
                ("reason", fields.TextField(null=True, unique=False)),
                ("request_id", fields.CharField(null=True, max_length=255)),
                (
                    "request",
                    fields.JSONField(
                        default=dict, encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                (
                    "steps",
                    fields.JSONField(
                        default=list, encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("message", fields.TextField(default="", unique=False)),
                (
                    "failure",
                    fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads),
                ),
                ("revision", fields.IntField(null=True)),
                (
                    "notes",
                    fields.JSONField(
                        default=dict, encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("ending", fields.CharField(null=True, max_length=20)),
                ("lease", fields.UUIDField(null=True)),
                ("lease_until", fields.FloatField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("started_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("finished_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "operation",
                "app": "nexus",
                "indexes": [Index(fields=["application_id", "number"]), Index(fields=["requested_by", "request_id"])],
                "pk_attr": "id",
                "table_description": "One operation on one application. Whoever holds `lease` works on it, and every write of theirs names it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Revision",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "application",
                    fields.ForeignKeyField(
                        "nexus.Level",
                        source_field="application_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="revisions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("number", fields.IntField()),
                ("operation_id", fields.UUIDField()),
                ("image", fields.CharField(max_length=512)),
                ("image_digest", fields.CharField(null=True, max_length=160)),
                ("settings", fields.JSONField(encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads)),
                ("manifests", fields.JSONField(encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads)),
                ("deployed_by", fields.CharField(max_length=255)),
                ("deployed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("reason", fields.TextField(null=True, unique=False)),
                ("outcome", fields.CharField(max_length=20)),
            ],
            options={
                "table": "revision",
                "app": "nexus",
                "unique_together": (("application", "number"),),
                "pk_attr": "id",
                "table_description": "What one operation applied, frozen: settings with their origins, and manifests without secrets' texts.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Secret",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                (
                    "level",
                    fields.ForeignKeyField(
                        "nexus.Level",
                        source_field="level_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="secrets",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("key", fields.CharField(max_length=512)),
                ("ciphertext", fields.BinaryField()),
                ("set_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("set_by", fields.CharField(max_length=255)),
            ],
            options={
                "table": "secret",
                "app": "nexus",
                "unique_together": (("level", "key"),),
                "pk_attr": "id",
                "table_description": "The newest version of one secret setting of one level. A new text is a new row with a new id, and the old row goes.",
            },
            bases=["Model"],
        ),
    ]
