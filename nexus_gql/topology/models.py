"""Workflows as rows."""

from tortoise import fields
from tortoise.models import Model


class Workflow(Model):
    """What an environment's workflow needs. It goes with its environment."""

    id = fields.UUIDField(primary_key=True)
    environment: fields.ForeignKeyRelation[Model] = fields.ForeignKeyField(
        "nexus.Level", related_name="workflows", on_delete=fields.CASCADE
    )
    name = fields.CharField(max_length=63)
    display_name = fields.CharField(max_length=255)
    requires: fields.Field[list[str]] = fields.JSONField(default=list)
    url = fields.CharField(max_length=2000, null=True)

    class Meta:
        table = "workflow"
        unique_together = (("environment", "name"),)
