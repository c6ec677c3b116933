"""Identities: one spelling for each, so that equal people have equal keys.

user_id, anonymous_id, others   Unicode NFC, trimmed; case matters
email                           NFKC, trimmed, lower case; plus-addressing is kept
phone                           NFKC, digits with a leading + where there was one (or 00)
id                              a profile's own id
"""

import re
import unicodedata

from hub.errors import InvalidInput
from hub.profiles.model import CustomerRef

PROFILE_ID = "id"
LONGEST_VALUE = 255
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)*")
_CAMEL = {
    "userId": "user_id",
    "anonymousId": "anonymous_id",
    "deviceId": "device_id",
    "loyaltyId": "loyalty_id",
}


def parse_ref(kind: str, value: str) -> CustomerRef:
    """Return who is meant, the value normalised.

    Args:
        kind: `id`, `user_id`, `email`, `phone`, `anonymous_id` or any other identity type
            (lower case, digits, underscores); `userId` and its like are taken too.
        value: as the client wrote it.

    Raises:
        InvalidInput: the type or the value cannot be one; the path names which.
    """
    kind = _CAMEL.get(kind, kind)
    if not _TYPE.fullmatch(kind):
        raise InvalidInput(
            "an identity type is lower-case letters, digits and underscores, such as 'loyalty_id'",
            path=("type",),
        )
    return CustomerRef(kind, normalise(kind, value))


def normalise(kind: str, value: str) -> str:
    """Return the one spelling of an identity's value.

    Raises:
        InvalidInput: it cannot be one of that type.
    """
    value = unicodedata.normalize("NFKC" if kind in {"email", "phone"} else "NFC", value).strip()
    if not value or len(value) > LONGEST_VALUE:
        raise InvalidInput(f"a {kind} has 1 to {LONGEST_VALUE} characters", path=("value",))
    if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in value):
        raise InvalidInput(f"a {kind} holds no control characters", path=("value",))
    if kind == "email":
        return _email(value)
    if kind == "phone":
        return _phone(value)
    return value


def _email(value: str) -> str:
    value = value.lower()
    if not _EMAIL.fullmatch(value):
        raise InvalidInput("an email address looks like name@example.com", path=("value",))
    return value


def _phone(value: str) -> str:
    bare = re.sub(r"[\s().\-/]", "", value)
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    if not re.fullmatch(r"\+?[0-9]{5,15}", bare, re.ASCII):
        raise InvalidInput(
            "a phone number has 5 to 15 digits, with + in front of a country code", path=("value",)
        )
    return bare
