"""Who may: viewers and their scope, grants, tokens, and the table of mutations and roles."""

from .authentication import Mode, authenticate
from .grants import grant, grants
from .models import ApiToken, Grant
from .permission import not_found, require, require_role, require_sight
from .roles import MUTATIONS, Role
from .scope import EVERYTHING, Scope
from .tokens import create_token, cut_short, revoke_token, tokens
from .viewer import LOCAL_VIEWER, OPERATOR_VIEWER, Viewer

__all__ = [
    "EVERYTHING",
    "LOCAL_VIEWER",
    "MUTATIONS",
    "OPERATOR_VIEWER",
    "ApiToken",
    "Grant",
    "Mode",
    "Role",
    "Scope",
    "Viewer",
    "authenticate",
    "create_token",
    "cut_short",
    "grant",
    "grants",
    "not_found",
    "require",
    "require_role",
    "require_sight",
    "revoke_token",
    "tokens",
]
