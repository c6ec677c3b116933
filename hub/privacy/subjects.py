"""Whom a request of OpenDSR is about: its identities, raw or hashed, and the profiles they lead to.

A hashed identity is the digest, in hexadecimal, of the identity as the hub normalises it (email in lower case,
phone as E.164), in UTF-8. The store keeps no digests, which would be one more thing to erase: all identities of the
type are read and hashed, once for a request; a million take some seconds.
"""

import asyncio
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from hub.errors import Conflict, InvalidInput
from hub.profiles.identity import parse_ref
from hub.profiles.model import CustomerRef
from hub.profiles.service import ProfileService
from hub.profiles.sharing import sharers
from hub.store.database import Store
from hub.store.faults import store_faults

API_VERSION = "2.0"
RAW = "raw"
# As the specification names them; MD5 and SHA-1 find somebody here, and protect nobody.
DIGESTS: Mapping[str, Callable[..., Any]] = {
    "sha256": hashlib.sha256,
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "md5": partial(hashlib.md5, usedforsecurity=False),
}
FORMATS = (RAW, *DIGESTS)
READ_TOGETHER = 5_000  # identities hashed in one go, away from the event loop
IDENTITY_TYPES: Mapping[str, str] = {
    "controller_customer_id": "user_id",
    "email": "email",
    "phone": "phone",
    "anonymous_id": "anonymous_id",
    "android_advertising_id": "android_advertising_id",
    "ios_advertising_id": "ios_advertising_id",
}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class SubjectIdentity(BaseModel):
    """One identifier of the data subject."""

    identity_type: str
    identity_value: Annotated[str, Field(min_length=1, max_length=255)]
    identity_format: str = RAW

    @field_validator("identity_type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in IDENTITY_TYPES:
            raise ValueError(f"an identity_type is one of {', '.join(IDENTITY_TYPES)}")
        return value

    @field_validator("identity_format")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        if value not in FORMATS:
            raise ValueError(f"an identity_format is one of {', '.join(FORMATS)}")
        return value

    @model_validator(mode="after")
    def _is_a_digest(self) -> Self:
        digits = DIGESTS[self.identity_format]().digest_size * 2 if self.identity_format in DIGESTS else 0
        if digits and not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", self.identity_value):
            raise ValueError(f"a {self.identity_format} is {digits} hexadecimal digits")
        return self


class SubjectRequest(BaseModel):
    """A request as it comes."""

    model_config = ConfigDict(extra="ignore")

    regulation: Literal["gdpr", "ccpa"]
    subject_request_id: UUID
    subject_request_type: Literal["access", "portability", "erasure"]
    submitted_time: datetime
    subject_identities: Annotated[list[SubjectIdentity], Field(min_length=1, max_length=50)]
    api_version: str = API_VERSION
    status_callback_urls: Annotated[list[str], Field(max_length=10)] = []

    @field_validator("subject_request_id")
    @classmethod
    def _version_four(cls, value: UUID) -> UUID:
        if value.version != 4:
            raise ValueError("a subject_request_id is a UUID of version 4")
        return value

    @field_validator("status_callback_urls")
    @classmethod
    def _safe(cls, value: list[str]) -> list[str]:
        for url in value:
            parts = urlsplit(url)
            if not parts.hostname or (
                parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK)
            ):
                raise ValueError("a callback url begins with https:// (or http:// on this machine)")
        return value


class Subjects:
    """Finds the profiles that identities lead to."""

    def __init__(self, store: Store, profiles: ProfileService) -> None:
        self._identities = store.db["identities"]
        self._profiles = profiles

    async def of(self, identities: Sequence[SubjectIdentity]) -> list[str]:
        """Return the ids of the profiles, sorted.

        A name that several share says nothing beside one that is somebody's own.

        Raises:
            InvalidInput: a raw identity is none.
            Conflict: SEVERAL_CUSTOMERS share a name, and no other says which of them is meant.
            Unavailable: the store does not answer.
        """
        refs: list[CustomerRef] = []
        hashed: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for number, identity in enumerate(identities):
            kind = IDENTITY_TYPES[identity.identity_type]
            if identity.identity_format != RAW:
                hashed[kind][identity.identity_format].add(identity.identity_value.lower())
                continue
            try:
                refs.append(parse_ref(kind, identity.identity_value))
            except InvalidInput as error:
                raise InvalidInput(
                    error.message, path=("subject_identities", number, "identity_value")
                ) from None
        for kind, wanted in hashed.items():
            refs += await self._hashed(kind, wanted)
        meant: set[str] = set()
        shared: list[frozenset[str]] = []
        for ref in refs:
            several = await sharers(self._profiles.repository, ref)
            if several:
                shared.append(several)
            elif (profile := await self._profiles.find(ref)) is not None:
                meant.add(profile.id)
        if any(not several & meant for several in shared):
            raise Conflict(
                "several customers share one of these identities; name the one who is meant by another beside it",
                path=("subject_identities",),
                code="SEVERAL_CUSTOMERS",
            )
        return sorted(meant)

    async def _hashed(self, kind: str, wanted: Mapping[str, set[str]]) -> list[CustomerRef]:
        found: list[CustomerRef] = []
        with store_faults():
            cursor = self._identities.find({"type": kind}, {"_id": 0, "value": 1}).batch_size(READ_TOGETHER)
            while part := await cursor.to_list(READ_TOGETHER):
                values = [document["value"] for document in part]
                matching = await asyncio.to_thread(_matching, values, wanted)
                found += [CustomerRef(kind, value) for value in matching]
        return found


def _matching(values: Sequence[str], wanted: Mapping[str, set[str]]) -> list[str]:
    return [
        value
        for value in values
        if any(DIGESTS[form](value.encode()).hexdigest() in digests for form, digests in wanted.items())
    ]


def validated(body: Any) -> SubjectRequest:
    """Return a request as it came.

    Raises:
        InvalidInput: a field is missing or impossible; the path names it.
    """
    try:
        return SubjectRequest.model_validate(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise InvalidInput(fault["msg"], path=tuple(fault["loc"])) from None
