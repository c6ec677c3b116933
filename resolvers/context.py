"""What a resolver has at hand: the hub's services and who is asking."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from hub.auth.model import Caller
from hub.config import Settings
from hub.kit.clock import Clock
from hub.kit.leaving import Leaving
from hub.profiles.beside import Along, Beside
from hub.profiles.model import CustomerRef, Profile

# Only the type checker needs the services' classes: printing the schema must work where there is
# neither a store nor an encoder.
if TYPE_CHECKING:
    from hub.answers.service import AnswerService
    from hub.catalogue.service import CatalogueService
    from hub.channels.opening import OpeningService
    from hub.channels.service import ExperienceService
    from hub.channels.template_service import TemplateService
    from hub.consent.control import ControlService
    from hub.decisions.editing import ScenarioEditing
    from hub.decisions.mixes import MixService
    from hub.decisions.scenarios import ScenarioService
    from hub.events.service import IngestService
    from hub.insights.gaps import GapService
    from hub.insights.interests import TrendService
    from hub.insights.outlook import DemandService
    from hub.insights.questions import QuestionService
    from hub.insights.similar import SimilarService
    from hub.layers.base import Layer
    from hub.ledger.service import LedgerService
    from hub.offers.service import OfferService
    from hub.privacy.service import PrivacyService
    from hub.profiles.merging import MergeService
    from hub.profiles.reviews import ReviewService
    from hub.profiles.segment_service import SegmentService
    from hub.profiles.service import ProfileService
    from hub.profiles.watching import WatchService


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that resolvers call, built once by `hub.app`; `layers` by name, in the order of play."""

    settings: Settings
    clock: Clock
    catalogue: CatalogueService
    profiles: ProfileService
    watches: WatchService
    ingest: IngestService
    control: ControlService
    scenarios: ScenarioService
    mixes: MixService
    editing: ScenarioEditing
    experiences: ExperienceService
    opening: OpeningService
    templates: TemplateService
    answers: AnswerService
    ledger: LedgerService
    offers: OfferService
    similar: SimilarService
    demand: DemandService
    trends: TrendService
    questions: QuestionService
    gaps: GapService
    privacy: PrivacyService
    layers: Mapping[str, Layer]
    merges: MergeService
    reviews: ReviewService
    segments: SegmentService


@dataclass(frozen=True, slots=True)
class Context:
    """One request: the services, the authenticated caller, and the instant.

    The instant is one for the whole request, so that experiences on several channels asked for in one
    document are one decision, to the last digit. `gpc`: the request came under Global Privacy Control. `leaving`: what
    the answer waits for before it is sent.
    """

    services: Services
    caller: Caller
    at: datetime
    gpc: bool = False
    leaving: Leaving = field(default_factory=Leaving, init=False, repr=False, compare=False)
    _finding: dict[tuple[CustomerRef, bool], asyncio.Task[Along]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    async def find(self, ref: CustomerRef, *, keep: bool = True) -> Profile | None:
        """Return a customer as `ProfileService.find` does; see `find_along`."""
        return (await self.find_along(ref, self.services.experiences.besides, keep=keep)).profile

    async def find_along(self, ref: CustomerRef, besides: Sequence[Beside], *, keep: bool = True) -> Along:
        """Return a customer, and what is read along with them, as `ProfileService.find_along` does.

        Fields of one document that are about the same customer ask side by side; who asks while they are
        being read is answered by that reading. It is not kept: a mutation's payload is read anew.
        """
        key = (ref, keep)
        reading = self._finding.get(key)
        if reading is None:
            finding = self.services.profiles.find_along(ref, besides, keep=keep)
            reading = self._finding[key] = asyncio.create_task(finding)
            reading.add_done_callback(lambda done: self._settled(key, done))
        return await asyncio.shield(reading)

    def _settled(self, key: tuple[CustomerRef, bool], done: asyncio.Task[Along]) -> None:
        del self._finding[key]
        if not done.cancelled():
            done.exception()  # whoever asked has it; if nobody waits any more, asyncio need not report it
