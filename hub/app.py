"""The hub, opened: store, encoder, services (hub.wiring), background work, and the application that serves them.

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
from hub import background
from hub.auth.repository import KeyRepository
from hub.auth.service import AuthService
from hub.auth.tokens import Signer
from hub.channels.offer_opening import OfferOpening
from hub.channels.pictures import Pictures
from hub.config import Settings, load_settings
from hub.errors import TuttiError
from hub.events import gpc
from hub.kit.clock import Clock, SystemClock
from hub.kit.ending import on_stop
from hub.profiles.identity import assume_region
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
    opened_offers,
    page_client,
    privacy_control,
    unsubscribe,
)
from hub.web.graphql import graphql_routes
from hub.web.health import Readiness
from hub.web.observe import Metrics, Observe
from hub.web.problems import on_http_error, on_surprise, on_tutti_error
from hub.wiring import build_services
from resolvers.context import Context, Services

log = structlog.get_logger("tutti")

Say = Callable[[str], None]
TOKEN_SECRET = "tokens"  # noqa: S105 - the name of the secret, not the secret


@dataclass(frozen=True, slots=True)
class Hub:
    """An open hub: its services, the application that serves them, `closing` and `learn`.

    `closing` is set by whoever stops the server, before it waits for answers under way: streams end then.
    `learn` works out at once what the background work does now and then: popularity, groups, neighbours.
    """

    services: Services
    auth: AuthService
    readiness: Readiness
    app: ASGIApp
    closing: asyncio.Event
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
        services = await build_services(settings, store, encoder, signer, clock)
        try:
            yield services, auth, signer, store
        finally:
            await services.questions.settle()


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
        closing = asyncio.Event()
        app = build_app(services, auth, signer, readiness, store.ping, closing)
        await services.answers.prepare(services.clock.now())
        readiness.waiting_for = ""
        async with background.running(services, store):
            yield Hub(services, auth, readiness, app, closing, lambda: background.learn(services, store))


def build_app(
    services: Services,
    auth: AuthService,
    signer: Signer,
    readiness: Readiness,
    ping: Callable[[], Awaitable[None]],
    closing: asyncio.Event,
) -> ASGIApp:
    """Return the ASGI application over services that are open; `closing` ends its streams."""

    async def context_of(headers: Mapping[str, str]) -> Context:
        caller = await auth.authenticate(headers)
        return Context(services, caller, services.clock.now(), gpc=gpc.signalled(headers))

    metrics = Metrics()
    pictures = Pictures(services.settings.base_url, {home.PICTURES: home.pictures_folder()})
    app = Starlette(
        routes=[
            *graphql_routes(
                schema.schema.build(),
                context_of,
                services.settings,
                services.privacy.erasures.on_erasure,
                closing,
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
                services.opening, pictures, signer, services.control, lambda: services.catalogue.snapshot
            ),
            *opened_offers.routes(
                OfferOpening(
                    services.clock, lambda: services.catalogue.snapshot, services.ledger, services.offers
                ),
                pictures,
                signer,
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
            stack.enter_context(on_stop(hub.closing.set))
            yield

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        await scope["app"].state.hub.app(scope, receive, send)

    return Starlette(routes=[Mount("/", app=forward)], lifespan=lifespan)
