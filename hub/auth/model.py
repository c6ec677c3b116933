"""Who is asking: a caller with one scope, and for front-ends the customer that a signed token names."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.profiles.model import CustomerRef


class Scope(StrEnum):
    """What a key is for. No scope contains another, but ADMIN, which contains all."""

    INGEST = "ingest"  # sends events
    BROWSE = "browse"  # a front-end: sees the one customer its token names
    AGENT = "agent"  # the service desk
    RENDERER = "renderer"  # the email renderer service
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is stored of a key: its hash, never itself."""

    hash: str
    scope: Scope
    name: str
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated request: `customer` only where a signed token came with it."""

    scope: Scope
    key_name: str
    customer: CustomerRef | None = None

    def may(self, *scopes: Scope) -> bool:
        """Tell whether one of these scopes is the caller's; ADMIN may everything."""
        return self.scope is Scope.ADMIN or self.scope in scopes
