"""Identifiers that sort by the time they were made, with a prefix that says of what."""

import secrets

from ulid import ULID

# Crockford's alphabet: no letter that is easily taken for another letter or a digit.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})


def new_id(prefix: str) -> str:
    """Return `prefix_` and a lower-case ULID: 48 bits of milliseconds, 80 bits of chance."""
    return f"{prefix}_{str(ULID()).lower()}"


def new_code() -> str:
    """Return twelve characters in groups of four, 60 bits of chance: what people read out and type."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(12))
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def normal_code(text: str) -> str:
    """Return a code as `new_code` spells it, however it was typed: case, blanks and misread letters."""
    letters = "".join(text.upper().split()).replace("-", "").translate(_MISREAD)
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
