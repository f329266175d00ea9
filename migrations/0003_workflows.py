"""Adds the workflows of environments."""

import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds one table."""

    dependencies = [("nexus", "0002_operations_outlive_levels")]

    operations = [
        ops.CreateModel(
            name="Workflow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, unique=True, db_index=True)),
                (
                    "environment",
                    fields.ForeignKeyField(
                        "nexus.Level",
                        source_field="environment_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="workflows",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=63)),
                ("display_name", fields.CharField(max_length=255)),
                (
                    "requires",
                    fields.JSONField(
                        default=list, encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("url", fields.CharField(null=True, max_length=2000)),
            ],
            options={
                "table": "workflow",
                "app": "nexus",
                "unique_together": (("environment", "name"),),
                "pk_attr": "id",
                "table_description": "What an environment's workflow needs. It goes with its environment.",
            },
            bases=["Model"],
        ),
    ]
