"""The composition root: everything is built here, once, and handed down. Nothing else wires.

open_hub(settings)    the store, the encoder, the services and the background work, closed again in reverse
create_app(...)       the same as an ASGI application of its own, for `uvicorn --factory hub.app:create_app`
                      and for applications that hold a MongoDB client already
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

import schema.schema
from embeddings.cache import CachedEncoder
from embeddings.models import load
from hub.answers.service import AnswerService
from hub.auth.repository import KeyRepository
from hub.auth.service import AuthService
from hub.auth.tokens import Signer
from hub.catalogue import learning, popularity
from hub.catalogue.service import CatalogueService
from hub.channels.opening import OpeningService
from hub.channels.pictures import Pictures
from hub.channels.service import ExperienceService
from hub.channels.template_service import TemplateService
from hub.config import Settings, load_settings
from hub.consent.control import ControlService
from hub.consent.regions import Rules
from hub.decisions.editing import ScenarioEditing
from hub.decisions.mixes import MixService
from hub.decisions.scenarios import ScenarioService
from hub.decisions.service import DecisionService
from hub.errors import TuttiError
from hub.events import gpc
from hub.events.service import IngestService
from hub.insights.gaps import GapService
from hub.insights.interests import TrendService
from hub.insights.outlook import DemandService
from hub.insights.questions import QuestionService
from hub.insights.similar import SimilarService
from hub.kit.clock import Clock, SystemClock
from hub.layers.registry import load_layers
from hub.ledger.frequency import FrequencyService
from hub.ledger.service import LedgerService
from hub.ledger.timeline import ServedTimeline
from hub.offers.service import OfferService
from hub.privacy.service import PrivacyService
from hub.profiles import audience
from hub.profiles.identity import assume_region
from hub.profiles.merging import MergeService
from hub.profiles.reviews import ReviewService
from hub.profiles.segment_service import SegmentService
from hub.profiles.service import ProfileService
from hub.store.database import Store, open_store
from hub.store.embedding_cache import MongoVectorCache
from hub.web import (
    exports,
    exposures,
    graphiql,
    health,
    home,
    ingest,
    opendsr,
    opened,
    page_client,
    privacy_control,
    unsubscribe,
)
from hub.web.graphql import graphql_route
from hub.web.health import Readiness
from hub.web.observe import Metrics, Observe
from hub.web.problems import on_http_error, on_surprise, on_tutti_error
from resolvers.context import Context, Services

log = structlog.get_logger("tutti")

Say = Callable[[str], None]
TOKEN_SECRET = "tokens"  # noqa: S105 - the name of the secret, not the secret


@dataclass(frozen=True, slots=True)
class Hub:
    """An open hub: its services, the application that serves them, and `learn`.

    `learn` works out at once what the background work does now and then: popularity, groups, neighbours.
    """

    services: Services
    auth: AuthService
    readiness: Readiness
    app: ASGIApp
    learn: Callable[[], Awaitable[None]]


async def build_auth(store: Store, clock: Clock) -> tuple[AuthService, Signer]:
    """Return the authentication service and the signer that its tokens and links are signed with."""
    keys = KeyRepository(store.db)
    signer = Signer(await keys.secret(TOKEN_SECRET), clock)
    return AuthService(keys, signer, clock), signer


def _quiet(_text: str) -> None:
    return


@asynccontextmanager
async def open_services(
    settings: Settings, *, client: Any = None, clock: Clock | None = None, say: Say = _quiet
) -> AsyncIterator[tuple[Services, AuthService, Signer, Store]]:
    """Open the store and the encoder and build every service; no background work runs.

    Raises:
        SetupError: something that must be there is not; the message says what to do.
    """
    clock = clock or SystemClock()
    assume_region(settings.default_region)
    async with open_store(settings, client=client, on_progress=say) as store:
        say(f"Loading the encoder {settings.encoder}")
        model = await asyncio.to_thread(
            load, settings.encoder, settings.model_dir, threads=settings.encoder_threads, progress=say
        )
        encoder = CachedEncoder(model, MongoVectorCache(store.db))
        auth, signer = await build_auth(store, clock)
        catalogue = CatalogueService(store, encoder, clock)
        await catalogue.refresh()
        layers = load_layers()
        scenarios = ScenarioService(store)
        await scenarios.seed()
        mixes = MixService(store, scenarios, layers.keys(), clock)
        editing = ScenarioEditing(store, scenarios, layers.keys(), lambda: catalogue.snapshot, clock)
        profiles = ProfileService(store, lambda: catalogue.snapshot, encoder, [ServedTimeline(store)])
        decisions = DecisionService(lambda: catalogue.snapshot, scenarios, layers, mixes)
        templates = TemplateService(store, scenarios, lambda: catalogue.snapshot, clock)
        ledger = LedgerService(store, clock)
        decisions = DecisionService(lambda: catalogue.snapshot, scenarios, layers, mixes)
        offers = OfferService(store, clock)
        merges = MergeService(store, profiles, clock)
        events = IngestService(store, profiles, clock)
        answers = AnswerService(catalogue, encoder)
        questions = QuestionService(store, answers, profiles, encoder, days=settings.question_days)
        services = Services(
            settings=settings,
            clock=clock,
            catalogue=catalogue,
            profiles=profiles,
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
        services.privacy.erasures.on_erasure(services.opening.forget)
        try:
            yield services, auth, signer, store
        finally:
            await questions.settle()


@asynccontextmanager
async def open_hub(
    settings: Settings, *, client: Any = None, clock: Clock | None = None, say: Say = _quiet
) -> AsyncIterator[Hub]:
    """Open everything that a running hub has; closed in reverse, whatever happens.

    Raises:
        SetupError: something that must be there is not; the message says what to do.
    """
    async with open_services(settings, client=client, clock=clock, say=say) as (
        services,
        auth,
        signer,
        store,
    ):
        readiness = Readiness("recovery")
        app = build_app(services, auth, signer, readiness, store.ping)
        await services.answers.prepare(services.clock.now())
        readiness.waiting_for = ""
        loops = [
            asyncio.create_task(_always("catalogue", services.catalogue.watch)),
            asyncio.create_task(_always("answers", lambda: services.answers.maintain(services.clock))),
            asyncio.create_task(_always("projection", services.ingest.maintain)),
            asyncio.create_task(_always("merges", services.reviews.maintain)),
            asyncio.create_task(_always("erasures", services.privacy.erasures.maintain)),
            asyncio.create_task(_always("retention", services.privacy.retention.maintain)),
            asyncio.create_task(_always("subject requests", services.privacy.opendsr.maintain)),
            asyncio.create_task(_always("popularity", lambda: popularity.keep_fresh(store, services.clock))),
            asyncio.create_task(_always("offers", services.offers.watch)),
            asyncio.create_task(
                _always(
                    "audience",
                    lambda: audience.keep_fresh(store, lambda: services.catalogue.snapshot, services.clock),
                )
            ),
            asyncio.create_task(_always("neighbours", lambda: learning.keep_fresh(store, services.clock))),
        ]
        try:
            yield Hub(services, auth, readiness, app, lambda: _learn(services, store))
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)


async def _learn(services: Services, store: Store) -> None:
    await popularity.refresh(store, services.clock)
    await audience.refresh(store, services.catalogue.snapshot, services.clock)
    await learning.refresh(store, services.clock)
    await services.catalogue.refresh()


async def _always(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Run a background loop for ever; a fault of it is logged and it starts again."""
    while True:
        try:
            await loop()
        except Exception:
            log.exception("a background loop failed and starts again", loop=name)
        await asyncio.sleep(1)


def build_app(
    services: Services,
    auth: AuthService,
    signer: Signer,
    readiness: Readiness,
    ping: Callable[[], Awaitable[None]],
) -> ASGIApp:
    """Return the ASGI application over services that are open."""

    async def context_of(headers: Mapping[str, str]) -> Context:
        caller = await auth.authenticate(headers)
        return Context(services, caller, services.clock.now(), gpc=gpc.signalled(headers))

    metrics = Metrics()
    app = Starlette(
        routes=[
            graphql_route(
                schema.schema.build(), context_of, services.settings, services.privacy.erasures.on_erasure
            ),
            *ingest.routes(
                services.ingest,
                auth.authenticate,
                body_limit=services.settings.body_limit,
                batch_limit=services.settings.batch_limit,
            ),
            *exposures.routes(context_of),
            *page_client.routes(),
            *unsubscribe.routes(services.control, signer),
            *opened.routes(
                services.opening,
                Pictures(services.settings.base_url, {home.PICTURES: home.pictures_folder()}),
                signer,
                services.control,
                lambda: services.catalogue.snapshot,
            ),
            *exports.routes(services.privacy.exports, services.clock),
            *opendsr.routes(services.privacy.opendsr, auth.authenticate),
            *privacy_control.routes(),
            *health.routes(readiness, ping),
            metrics.route(),
            *graphiql.routes(),
            *home.routes(),
        ],
        exception_handlers={
            TuttiError: on_tutti_error,
            HTTPException: on_http_error,
            Exception: on_surprise,
        },
    )
    return Observe(page_client.across_origins(app, services.settings.allowed_origins), metrics)


def create_app(settings: Settings | None = None, *, client: Any = None) -> Starlette:
    """Return an application that opens the hub when it starts and closes it when it stops.

    `client` is a PyMongo `AsyncMongoClient`, or a Motor client, that the application already holds; it
    is used and not closed.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            hub = await stack.enter_async_context(open_hub(settings or load_settings(), client=client))
            app.state.hub = hub
            yield

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        await scope["app"].state.hub.app(scope, receive, send)

    return Starlette(routes=[Mount("/", app=forward)], lifespan=lifespan)
