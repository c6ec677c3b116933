"""Identities: one spelling for each, so that equal people have equal keys.

user_id, anonymous_id, others   Unicode NFC, trimmed; case matters
email                           NFKC, trimmed, no invisible signs, lower case; plus-addressing is kept
phone                           E.164 after libphonenumber; without a country code, of the assumed region
id                              a profile's own id

Which region is assumed (`TUTTI_DEFAULT_REGION`) is said once, by `hub.app`, before anything is normalised:
two spellings in one process would be two customers.
"""

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from hub.errors import InvalidInput
from hub.profiles.model import CustomerRef

PROFILE_ID = "id"
LONGEST_VALUE = 255
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)*")
_REGION = "GB"  # ISO 3166, as `hub.config` has it by default
_region = [_REGION]
_CAMEL = {
    "userId": "user_id",
    "anonymousId": "anonymous_id",
    "deviceId": "device_id",
    "loyaltyId": "loyalty_id",
}


def assume_region(region: str) -> None:
    """Say in which region (ISO 3166) a telephone number without a country code is.

    Raises:
        InvalidInput: libphonenumber knows no such region.
    """
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidInput(f"{region!r} is no region that has telephone numbers", code="UNKNOWN_REGION")
    _region[0] = region


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
    # Most ids are plain ASCII, which every normal form leaves alone: they need no look at each character.
    plain = value.isascii()
    if not plain:
        value = unicodedata.normalize("NFKC" if kind in {"email", "phone"} else "NFC", value)
    value = value.strip()
    if not value or len(value) > LONGEST_VALUE:
        raise InvalidInput(f"an identifier ({kind}) has 1 to {LONGEST_VALUE} characters", path=("value",))
    if not (plain and value.isprintable()) and any(
        unicodedata.category(sign) in {"Cc", "Cs"} for sign in value
    ):
        raise InvalidInput(f"an identifier ({kind}) holds no control characters", path=("value",))
    if kind == "email":
        return _email(value)
    if kind == "phone":
        return _phone(value)
    return value


def _email(value: str) -> str:
    visible = "".join(sign for sign in value if unicodedata.category(sign) != "Cf")
    value = unicodedata.normalize("NFKC", visible.lower())
    if len(value) > LONGEST_VALUE or not _EMAIL.fullmatch(value):
        raise InvalidInput("an email address looks like name@example.com", path=("value",))
    return value


def _phone(value: str) -> str:
    bare = re.sub(r"^\s*00", "+", value)
    try:
        number = phonenumbers.parse(bare, _region[0])
    except NumberParseException:
        number = None
    # Possible, not valid: plans change faster than libraries, and numbers kept for stories are in none.
    if number is None or phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        raise InvalidInput(
            f"this is no telephone number; write it with its country code, or as one dials it in {_region[0]}",
            path=("value",),
            code="BAD_PHONE",
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
