"""What holds where a customer has said nothing: opt-in or opt-out, by purpose and by the law of their region.

    purpose           opt-in (silence is no)                            opt-out (silence is yes)
    EMAIL_MARKETING   everywhere but the United States                  US (CAN-SPAM Act)
    PERSONALIZATION   the EEA (GDPR art. 6, ePrivacy Directive 5(3))    elsewhere, the United Kingdom included
    ANALYTICS         nowhere                                           everywhere: only sums over five or more

A region is the customer's `country` trait, an ISO 3166 code or an English name of a state of the EEA, else
`TUTTI_DEFAULT_REGION`. `TUTTI_PERSONALIZATION_OPT_IN` names the opt-in regions, so that a house whose
lawyers read the law more strictly says so in one setting. Why it is so: docs/decisions/0045.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

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
    "netherlands": "NL", "norway": "NO", "poland": "PL", "portugal": "PT", "romania": "RO", "slovakia": "SK",
    "slovenia": "SI", "spain": "ES", "sweden": "SE", "great britain": "GB", "united kingdom": "GB", "uk": "GB",
    "united states": "US", "united states of america": "US", "usa": "US",
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
        fact = profile.traits.get("country")
        said = str(fact.value).strip() if fact is not None else ""
        if len(said) == 2 and said.isascii() and said.isalpha():
            code = said.upper()
            return {"UK": "GB", "EL": "GR"}.get(code, code)
        return _NAMES.get(said.lower(), self.default_region)

    def stance(self, purpose: Purpose, region: str) -> Stance:
        """Return what silence means for a purpose in a region."""
        if purpose is Purpose.EMAIL_MARKETING:
            return Stance.OPT_OUT if region in EMAIL_OPT_OUT else Stance.OPT_IN
        if purpose is Purpose.PERSONALIZATION:
            return Stance.OPT_IN if self.opt_in & {region, EVERYWHERE} else Stance.OPT_OUT
        return Stance.OPT_OUT


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
