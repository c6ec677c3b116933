"""Authentication: which key came, what it is for, and for whom it speaks.

A key comes as `Authorization: Bearer KEY`, or as the user name of Basic authentication, which is how
Segment's clients send their write key. A front-end adds `X-Tutti-Customer: TOKEN`, the signed token
that its own server got for the customer; a token alone as the bearer does too, since nobody but a
holder of an admin key can make one.
"""

import base64
import binascii
import hashlib
import secrets
import time
from collections.abc import Mapping
from datetime import timedelta

from hub.auth.model import ApiKey, Caller, Scope
from hub.auth.repository import KeyRepository
from hub.auth.tokens import Signer
from hub.errors import Unauthenticated
from hub.kit.clock import Clock
from hub.profiles.model import CustomerRef

CUSTOMER_HEADER = "x-tutti-customer"
CUSTOMER_PURPOSE = "customer"
# A revoked key stops working within this many seconds in every process.
REMEMBERED_SECONDS = 5.0
MOST_REMEMBERED = 10_000


class AuthService:
    """Makes keys and customer tokens, and recognises them."""

    def __init__(self, keys: KeyRepository, signer: Signer, clock: Clock) -> None:
        self._keys = keys
        self._signer = signer
        self._clock = clock
        self._remembered: dict[str, tuple[float, ApiKey | None]] = {}

    async def create_key(self, scope: Scope, name: str, *, key: str | None = None) -> str:
        """Make a key and return it; this is the only time that it can be read."""
        key = key or f"tutti_{scope.value}_{secrets.token_urlsafe(24)}"
        await self._keys.add(ApiKey(hash=_hash(key), scope=scope, name=name, created_at=self._clock.now()))
        self._remembered.pop(_hash(key), None)
        return key

    async def revoke(self, name: str) -> int:
        """Revoke the keys of a name; return how many there were."""
        self._remembered.clear()
        return await self._keys.revoke(name, self._clock.now())

    def customer_token(
        self, customer: CustomerRef, *, lifetime: timedelta | None = timedelta(hours=12)
    ) -> str:
        """Return a signed token that lets a front-end speak for one customer."""
        return self._signer.sign(
            CUSTOMER_PURPOSE, {"type": customer.type, "value": customer.value}, lifetime=lifetime
        )

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Return who is asking.

        Raises:
            Unauthenticated: no key, an unknown or a revoked one.
            InvalidInput: BAD_TOKEN, if a customer token came that is not ours or has ended.
        """
        credential = _credential(headers.get("authorization", ""))
        if _looks_like_token(credential):
            return Caller(Scope.BROWSE, "customer token", self._customer(credential))
        key = await self._find(_hash(credential))
        if key is None or key.revoked_at is not None:
            raise Unauthenticated("this key is unknown or was revoked; `tutti keys create` makes a new one")
        token = headers.get(CUSTOMER_HEADER)
        customer = self._customer(token) if token and key.scope is Scope.BROWSE else None
        return Caller(key.scope, key.name, customer)

    def _customer(self, token: str) -> CustomerRef:
        payload = self._signer.verify(CUSTOMER_PURPOSE, token)
        return CustomerRef(str(payload["type"]), str(payload["value"]))

    async def _find(self, key_hash: str) -> ApiKey | None:
        now = time.monotonic()
        until, key = self._remembered.get(key_hash, (0.0, None))
        if now < until:
            return key
        key = await self._keys.get_or_none(key_hash)
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[key_hash] = (now + REMEMBERED_SECONDS, key)
        return key


def _hash(key: str) -> str:
    # Keys are 192 bits of chance: a plain digest cannot be guessed backwards.
    return hashlib.sha256(key.encode()).hexdigest()


def _looks_like_token(credential: str) -> bool:
    return credential.count(".") == 2 and credential.startswith("ey")


def _credential(authorization: str) -> str:
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer" and rest:
        return rest
    if scheme.lower() == "basic" and rest:
        try:
            user, _, _ = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = ""
        if user:
            return user
    raise Unauthenticated(
        "send a key as `Authorization: Bearer KEY`, or as the user name of Basic authentication"
    )
