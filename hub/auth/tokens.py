"""Signed tokens: who a front-end speaks for, and links in email that nobody can forge.

JSON Web Tokens (RFC 7519), HS256, one secret for a hub and all its processes, kept in the store. The
purpose is the audience, so that a token made for one thing opens no other door.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from hub.errors import InvalidInput
from hub.kit.clock import Clock

ALGORITHM = "HS256"
REGISTERED = {"aud", "exp", "iat"}


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs payloads for a purpose and verifies them again."""

    secret: bytes
    clock: Clock

    def sign(self, purpose: str, payload: Mapping[str, Any], *, lifetime: timedelta | None = None) -> str:
        """Return a token that carries `payload`; without a lifetime it does not end, nor depend on the time."""
        claims: dict[str, Any] = {**payload, "aud": purpose}
        if lifetime is not None:
            claims["exp"] = int((self.clock.now() + lifetime).timestamp())
        return jwt.encode(claims, self.secret, algorithm=ALGORITHM)

    def stamp(self, purpose: str, *parts: str) -> str:
        """Return 22 characters that only this hub can make for these parts: HMAC-SHA256, cut to 128 bits.

        For addresses whose parts stand beside it, where a whole token would be five times as long.
        """
        said = "\0".join(("stamp", purpose, *parts)).encode()
        digest = hmac.new(self.secret, said, hashlib.sha256).digest()[:16]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def check_stamp(self, stamp: str, purpose: str, *parts: str) -> None:
        """Let through what `stamp` made.

        Raises:
            InvalidInput: BAD_TOKEN if it did not.
        """
        if not hmac.compare_digest(stamp.encode(), self.stamp(purpose, *parts).encode()):
            raise InvalidInput("this link was not made by this hub, or was changed", code="BAD_TOKEN")

    def verify(self, purpose: str, token: str) -> dict[str, Any]:
        """Return the payload of a token made by `sign` for the same purpose.

        Raises:
            InvalidInput: BAD_TOKEN if it was tampered with, ended or is for something else.
        """
        try:
            # The library would compare `exp` with the machine's clock; ours may stand elsewhere.
            claims = jwt.decode(
                token, self.secret, algorithms=[ALGORITHM], audience=purpose, options={"verify_exp": False}
            )
        except jwt.InvalidTokenError:
            raise InvalidInput(
                "this link or token was not made by this hub, or not for this", code="BAD_TOKEN"
            ) from None
        end = claims.get("exp")
        if end is not None and self.clock.now().timestamp() >= end:
            raise InvalidInput("this token has ended; ask for a new one", code="BAD_TOKEN")
        return {key: value for key, value in claims.items() if key not in REGISTERED}
