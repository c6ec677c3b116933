"""What holds where a customer has said nothing: opt-in or opt-out, by purpose and by the law of their region.

    purpose           opt-in (silence is no)                            opt-out (silence is yes)
    EMAIL_MARKETING   everywhere but the United States                  US (CAN-SPAM Act)
    PERSONALIZATION   the EEA (GDPR art. 6, ePrivacy Directive 5(3))    elsewhere, the United Kingdom included
    ANALYTICS         nowhere                                           everywhere: only sums over five or more

A region is the customer's `country` trait, else the `country` of their `address` (Segment's own place for it), else
`TUTTI_DEFAULT_REGION`; a code of ISO 3166 (two or three letters), or the English or own name of a state of the EEA. `TUTTI_PERSONALIZATION_OPT_IN` names the opt-in regions, so that a house whose
lawyers read the law more strictly says so in one setting. Why it is so: docs/decisions/0045.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from hub.errors import SetupError
from hub.profiles.model import Profile, Purpose

EEA: Final = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
EVERYWHERE = "*"
EMAIL_OPT_OUT: Final = frozenset({"US"})
_NAMES: Final = {
    "austria": "AT", "belgium": "BE", "bulgaria": "BG", "croatia": "HR", "cyprus": "CY", "czech republic": "CZ",
    "czechia": "CZ", "denmark": "DK", "eire": "IE", "estonia": "EE", "finland": "FI", "france": "FR",
    "germany": "DE", "greece": "GR", "hungary": "HU", "iceland": "IS", "ireland": "IE", "italy": "IT",
    "latvia": "LV", "liechtenstein": "LI", "lithuania": "LT", "luxembourg": "LU", "malta": "MT",
    "the netherlands": "NL", "netherlands": "NL", "norway": "NO", "poland": "PL", "portugal": "PT", "romania": "RO", "slovakia": "SK",
    "slovenia": "SI", "spain": "ES", "sweden": "SE", "great britain": "GB", "united kingdom": "GB", "uk": "GB",
    "united states": "US", "united states of america": "US", "usa": "US",
}  # fmt: skip
_OWN_NAMES: Final = {
    "belgien": "BE", "belgique": "BE", "belgië": "BE", "česko": "CZ", "česká republika": "CZ", "danmark": "DK",
    "deutschland": "DE", "eesti": "EE", "éire": "IE", "españa": "ES", "hrvatska": "HR", "ísland": "IS",
    "italia": "IT", "κύπρος": "CY", "latvija": "LV", "lietuva": "LT", "lëtzebuerg": "LU",
    "luxemburg": "LU", "magyarország": "HU", "nederland": "NL", "noreg": "NO", "norge": "NO", "österreich": "AT",
    "polska": "PL", "românia": "RO", "slovenija": "SI", "slovensko": "SK", "suomi": "FI", "sverige": "SE",
    "ελλάδα": "GR", "българия": "BG",
}  # fmt: skip
_LONG_CODES: Final = {
    "AUT": "AT", "BEL": "BE", "BGR": "BG", "CYP": "CY", "CZE": "CZ", "DEU": "DE", "DNK": "DK", "ESP": "ES",
    "EST": "EE", "FIN": "FI", "FRA": "FR", "GBR": "GB", "GRC": "GR", "HRV": "HR", "HUN": "HU", "IRL": "IE",
    "ISL": "IS", "ITA": "IT", "LIE": "LI", "LTU": "LT", "LUX": "LU", "LVA": "LV", "MLT": "MT", "NLD": "NL",
    "NOR": "NO", "POL": "PL", "PRT": "PT", "ROU": "RO", "SVK": "SK", "SVN": "SI", "SWE": "SE", "USA": "US",
}  # fmt: skip


class Stance(StrEnum):
    """What silence means."""

    OPT_IN = "OPT_IN"
    OPT_OUT = "OPT_OUT"


@dataclass(frozen=True, slots=True)
class Rules:
    """What silence means to this house: `opt_in` are the regions where personalization waits for a yes."""

    default_region: str = "GB"
    opt_in: frozenset[str] = field(default=EEA)

    @classmethod
    def parse(cls, default_region: str, opt_in: str) -> "Rules":
        """Return the rules that the settings spell: codes, `EEA` and `*`, separated by commas.

        Raises:
            SetupError: one of them is no region.
        """
        return cls(default_region, frozenset(_regions(part.strip() for part in opt_in.split(","))))

    def region_of(self, profile: Profile) -> str:
        """Return the region whose law holds for a customer, an ISO 3166 code."""
        told = [_value(profile, "country")]
        address = _value(profile, "address")
        if isinstance(address, dict):
            told.append(address.get("country"))
        found = (_code(one) for one in told if isinstance(one, str))
        return next((code for code in found if code is not None), self.default_region)

    def stance(self, purpose: Purpose, region: str) -> Stance:
        """Return what silence means for a purpose in a region."""
        if purpose is Purpose.EMAIL_MARKETING:
            return Stance.OPT_OUT if region in EMAIL_OPT_OUT else Stance.OPT_IN
        if purpose is Purpose.PERSONALIZATION:
            return Stance.OPT_IN if self.opt_in & {region, EVERYWHERE} else Stance.OPT_OUT
        return Stance.OPT_OUT


def _value(profile: Profile, trait: str) -> Any:
    fact = profile.traits.get(trait)
    return None if fact is None else fact.value


def _code(told: str) -> str | None:
    """Return the code of a region that somebody spelled; None where it is none that is known."""
    said = unicodedata.normalize("NFC", told.strip())
    if len(said) == 2 and said.isascii() and said.isalpha():
        code = said.upper()
        return {"UK": "GB", "EL": "GR"}.get(code, code)
    name = said.lower()
    return _LONG_CODES.get(said.upper()) or _NAMES.get(name) or _OWN_NAMES.get(name)


def _regions(parts: Iterable[str]) -> Iterable[str]:
    for part in parts:
        code = part.upper()
        if code == "EEA":
            yield from EEA
        elif code == EVERYWHERE or (len(code) == 2 and code.isascii() and code.isalpha()):
            yield code
        elif code:
            raise SetupError(
                f"TUTTI_PERSONALIZATION_OPT_IN: {part!r} is no region; say ISO 3166 codes, EEA or *, with commas"
            )
