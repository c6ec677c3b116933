"""What assembling an experience needs of the other rooms, and nothing more of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from hub.catalogue.model import Offer
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.channels.template_check import MessageTemplate
from hub.decisions.choices import Choice
from hub.decisions.model import Decision, MixRequest, Note, Scenario
from hub.ledger.frequency import FrequencyCap, Seen, Shown
from hub.ledger.model import Served
from hub.offers.model import Grant, Standing
from hub.profiles.beside import Along, Beside, Documents
from hub.profiles.merge_model import Review
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.view import ProfileView


class Profiles(Protocol):
    """What is needed of the profile service."""

    async def find_along(
        self, ref: CustomerRef, besides: Sequence[Beside], *, keep: bool = True
    ) -> Along: ...


class Reviews(Protocol):
    """What is needed to tell an agent who a customer may also be."""

    async def open_reviews(self, profile: Profile, *, most: int) -> tuple[Review, ...]: ...


class Decisions(Protocol):
    """What is needed of the decision service."""

    async def decide(
        self,
        view: ProfileView,
        scenario_key: str,
        mix_request: MixRequest,
        at: datetime,
        *,
        standing: Standing,
        worn: Mapping[str, str],
        draft: Scenario | None = None,
        chosen: tuple[Choice, ...] = (),
    ) -> Decision: ...

    async def caps(self, scenario_key: str) -> tuple[FrequencyCap, ...]: ...

    def decide_without_store(
        self,
        view: ProfileView,
        scenario_key: str,
        *,
        degraded: Note,
        at: datetime | None = None,
        chosen: tuple[Choice, ...] = (),
    ) -> Decision: ...


class Ledger(Protocol):
    """What is needed of the ledger."""

    @property
    def beside(self) -> Beside: ...

    def expect(self, profile_id: str, told: Documents | None, asked_at: float) -> None: ...

    async def record(self, served: Served) -> None: ...

    async def latest(self, profile: Profile, *, most: int) -> tuple[Served, ...]: ...


class Frequency(Protocol):
    """What is needed to hold frequency caps."""

    async def seen(self, profile: Profile, caps: Sequence[FrequencyCap], at: datetime) -> Seen: ...

    async def take_turn(self, profile: Profile, seen: Seen, shown: Shown) -> bool: ...


class Offers(Protocol):
    """What is needed of the offers."""

    @property
    def beside(self) -> Beside: ...

    async def standing(
        self,
        profile: Profile | None,
        offers: Sequence[Offer],
        at: datetime,
        documents: Documents | None = None,
    ) -> Standing: ...

    async def promise(
        self, profile: Profile, offers: Sequence[Offer], *, channel: str, at: datetime
    ) -> dict[str, Grant]: ...


class Templates(Protocol):
    """What is needed of the email templates."""

    async def for_scenario(self, scenario_key: str) -> MessageTemplate: ...


class Catalogue(Protocol):
    """What is needed of the catalogue service."""

    @property
    def snapshot(self) -> CatalogueSnapshot: ...
