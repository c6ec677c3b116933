"""How services stand on one another: each is built here once, and handed to those that need it. Nothing else wires."""

from embeddings.cache import CachedEncoder
from hub.answers.service import AnswerService
from hub.auth.tokens import Signer
from hub.catalogue.brand import offer_fault_of
from hub.catalogue.service import CatalogueService
from hub.channels.opening import OpeningService
from hub.channels.service import ExperienceService
from hub.channels.template_service import TemplateService
from hub.config import Settings
from hub.consent.control import ControlService
from hub.consent.regions import Rules
from hub.decisions.editing import ScenarioEditing
from hub.decisions.mixes import MixService
from hub.decisions.moment import TITLES
from hub.decisions.offers import NEVER
from hub.decisions.scenarios import ScenarioService
from hub.decisions.service import DecisionService
from hub.events.service import IngestService
from hub.insights.gaps import GapService
from hub.insights.interests import TrendService
from hub.insights.outlook import DemandService
from hub.insights.questions import QuestionService
from hub.insights.similar import SimilarService
from hub.kit.clock import Clock
from hub.layers.registry import load_layers
from hub.ledger.frequency import FrequencyService
from hub.ledger.service import LedgerService
from hub.ledger.timeline import ServedTimeline
from hub.offers.service import OfferService
from hub.privacy.service import PrivacyService
from hub.profiles.merging import MergeService
from hub.profiles.reviews import ReviewService
from hub.profiles.segment_service import SegmentService
from hub.profiles.service import ProfileService
from hub.profiles.watching import WatchService
from hub.store.database import Store
from resolvers.context import Services


async def build_services(
    settings: Settings, store: Store, encoder: CachedEncoder, signer: Signer, clock: Clock
) -> Services:
    """Return every service; what the hub ships (scenarios) is put into the store where it is not.

    Args:
        settings: of this process.
        store: migrated.
        encoder: makes the vectors of texts.
        signer: signs tokens and links.
        clock: what time it is.

    Raises:
        Unavailable: the store does not answer.
    """
    catalogue = CatalogueService(store, encoder, clock, moments=(*TITLES, NEVER))
    await catalogue.refresh()
    layers = load_layers()
    scenarios = ScenarioService(store)
    await scenarios.seed()
    mixes = MixService(store, scenarios, layers.keys(), clock)
    editing = ScenarioEditing(store, scenarios, layers.keys(), lambda: catalogue.snapshot, clock)
    profiles = ProfileService(store, lambda: catalogue.snapshot, encoder, [ServedTimeline(store)])
    templates = TemplateService(store, scenarios, lambda: catalogue.snapshot, clock)
    ledger = LedgerService(store, clock)
    decisions = DecisionService(lambda: catalogue.snapshot, scenarios, layers, mixes)
    offers = OfferService(store, clock, lambda offer: offer_fault_of(offer, catalogue.snapshot.facts))
    merges = MergeService(store, profiles, clock)
    events = IngestService(store, profiles, clock)
    answers = AnswerService(catalogue, encoder)
    questions = QuestionService(store, answers, profiles, encoder, days=settings.question_days)
    services = Services(
        settings=settings,
        clock=clock,
        catalogue=catalogue,
        profiles=profiles,
        watches=WatchService(profiles, most=settings.watches, most_per_key=settings.watches_per_key),
        ingest=events,
        control=ControlService(events, profiles),
        scenarios=scenarios,
        mixes=mixes,
        editing=editing,
        experiences=ExperienceService(
            settings=settings,
            clock=clock,
            catalogue=catalogue,
            profiles=profiles,
            decisions=decisions,
            ledger=ledger,
            offers=offers,
            frequency=FrequencyService(store),
            signer=signer,
            words=encoder,
            reviews=profiles,
            templates=templates,
        ),
        templates=templates,
        opening=OpeningService(
            settings=settings,
            clock=clock,
            snapshot=lambda: catalogue.snapshot,
            profiles=profiles,
            decisions=decisions,
            ledger=ledger,
        ),
        answers=answers,
        ledger=ledger,
        offers=offers,
        similar=SimilarService(store),
        trends=TrendService(profiles, lambda: catalogue.snapshot, encoder, answers, clock),
        questions=questions,
        gaps=GapService(store, answers, encoder, lambda: catalogue.snapshot, clock),
        demand=DemandService(store, profiles, decisions, lambda: catalogue.snapshot, settings, clock),
        privacy=PrivacyService.build(settings, store, profiles, encoder, signer, clock),
        layers=layers,
        merges=merges,
        reviews=ReviewService(profiles, merges, clock),
        segments=SegmentService(
            store,
            catalogue,
            profiles,
            clock,
            Rules.parse(settings.default_region, settings.personalization_opt_in),
        ),
    )
    services.privacy.erasures.on_erasure(ledger.forget)
    services.privacy.erasures.on_erasure(events.forget)
    services.privacy.erasures.on_erasure(decisions.forget)
    services.privacy.erasures.on_erasure(services.opening.forget)
    return services
