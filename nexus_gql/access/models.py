"""Grants and API tokens."""

from tortoise import fields
from tortoise.models import Model

from .roles import Role


class Grant(Model):
    """A role that somebody has at a level and below. Path null: everywhere."""

    id = fields.UUIDField(primary_key=True)
    subject = fields.CharField(max_length=255, db_index=True)
    role = fields.IntEnumField(Role)
    path = fields.CharField(max_length=255, null=True)

    class Meta:
        table = "grant"
        unique_together = (("subject", "path"),)


class ApiToken(Model):
    """A token's SHA-256 and what it may do at most. The token itself is shown once and kept nowhere."""

    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=255)
    digest = fields.CharField(max_length=64, unique=True)
    role = fields.IntEnumField(Role)
    path = fields.CharField(max_length=255, null=True)
    created_by = fields.CharField(max_length=255)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(null=True)
    last_used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_token"
