"""What GraphQL costs beside the decision: the front-ends' own document with every guard on, against the floor.

    python -m benchmarks.machinery [--requests 300] [--rounds 9] [--write FILE.json]

The document is the contract's WebPage: 20 items, each explained by three layers. The decision is made once, and the
service hands it out; everything else is as users have it: uvicorn, log lines and metrics, CORS, the body's limit, the
key, the gate of documents, Strawberry's schema, compiled plans. The floor (benchmarks/floor.py) sends the same bytes.
They are asked in turns; CPU is the process's own.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import psutil
import uvicorn
from starlette.applications import Starlette

import schema.schema
from benchmarks import command
from benchmarks.decision import AT, catalogue, customer
from benchmarks.serving import Client, cpu_seconds, free_port, server
from hub.auth.model import ApiKey, Scope
from hub.auth.service import AuthService
from hub.auth.tokens import Signer
from hub.catalogue.model import ContentKind
from hub.channels.base import present
from hub.channels.context import PresentationContext
from hub.channels.model import Experience
from hub.config import Settings
from hub.decisions.decide import decide
from hub.decisions.model import Channel, SlotSpec
from hub.decisions.scenario_files import shipped_scenarios
from hub.decisions.shelf import arrange
from hub.kit.clock import FixedClock
from hub.kit.ids import new_id
from hub.layers.mix import Mix
from hub.layers.registry import load_layers
from hub.logs import configure
from hub.web import page_client
from hub.web.graphql import graphql_routes
from hub.web.observe import Metrics, Observe
from resolvers.context import Context, Services

DOCUMENT = Path(__file__).parent.parent / "tests" / "contract" / "web.graphql"
ITEMS, CONTENTS = 20, 2_000
MIX = Mix({"base": 0.4, "interests": 1.0, "needs": 0.9})
SLOTS = (
    SlotSpec("for_you", "For you", 16, (ContentKind.PRODUCT,)),
    SlotSpec("to_read", "Worth reading", 4, (ContentKind.ARTICLE,)),
)
KEY = "tutti_browse_machinery"


def experience() -> Experience:
    """A page of twenty items, each explained by three layers."""
    rng = np.random.default_rng(1)
    snapshot = catalogue(CONTENTS, rng)
    home = replace(shipped_scenarios()["home"], slots={Channel.WEB: SLOTS}, mix=MIX)
    decision = decide(customer(snapshot, rng), arrange(snapshot), home, MIX, load_layers())
    context = PresentationContext(
        assembled_at=AT, speaker=snapshot.facts["bench"], base_url="http://127.0.0.1", served_id=new_id("srv")
    )
    return present(decision, Channel.WEB, context)


class OneKey:
    """Keys of which there is one."""

    async def get_or_none(self, key_hash: str) -> ApiKey:
        return ApiKey(hash=key_hash, scope=Scope.ADMIN, name="benchmark", created_at=AT)


def application() -> Any:
    """The hub's application as far as GraphQL goes, over a service that hands out one experience."""
    made, clock, settings = experience(), FixedClock(AT), Settings()

    class Experiences:
        async def assemble(self, *_: Any, **__: Any) -> Experience:
            return made

    services = SimpleNamespace(
        experiences=Experiences(), layers=load_layers(), clock=clock, settings=settings
    )
    auth = AuthService(cast("Any", OneKey()), Signer("0" * 64, clock), clock)

    async def context_of(headers: Mapping[str, str]) -> Context:
        return Context(cast("Services", services), await auth.authenticate(headers), clock.now())

    routes = graphql_routes(schema.schema.build(), context_of, settings)
    app = page_client.across_origins(Starlette(routes=routes), settings.allowed_origins)
    return Observe(app, Metrics())


def serve(port: int) -> None:
    """Serve as `tutti run` does."""
    configure("json", "info")
    uvicorn.run(application(), host="127.0.0.1", port=port, log_config=None, access_log=False)


def body() -> bytes:
    """The request of a front-end."""
    variables = {"for": {"userId": "somebody"}, "scenario": "home", "first": ITEMS}
    return json.dumps(
        {"query": DOCUMENT.read_text(), "operationName": "WebPage", "variables": variables}
    ).encode()


def cost(client: Client, process: psutil.Process, request: bytes, count: int) -> float:
    """CPU ms a request."""
    begun = cpu_seconds(process)
    for _ in range(count):
        client.post(request)
    return (cpu_seconds(process) - begun) / count * 1000


def measure(requests: int, rounds: int) -> dict[str, float]:
    """Measure hub and floor in turns."""
    port, floor_port, request = free_port(), free_port(), body()
    with (
        tempfile.TemporaryDirectory() as folder,
        server(["benchmarks.machinery", "--serve", str(port)], port, quiet=True) as hub,
    ):
        ours = Client(port, KEY)
        answer = ours.post(request)
        page = json.loads(answer)
        slots = page["data"]["experience"]["slots"]
        items = [item for slot in slots for item in slot["items"]]
        if "errors" in page or len(items) != ITEMS or {len(i["why"]["contributions"]) for i in items} != {3}:
            raise SystemExit(f"not the page that was to be measured: {answer[:500]!r}")
        sample = Path(folder) / "page.json"
        sample.write_bytes(answer)
        with server(["benchmarks.floor", str(floor_port), str(sample)], floor_port) as floor:
            theirs = Client(floor_port, KEY)
            cost(ours, hub, request, requests)
            cost(theirs, floor, request, requests)
            mine: list[float] = []
            least: list[float] = []
            for _ in range(rounds):
                mine.append(cost(ours, hub, request, requests))
                least.append(cost(theirs, floor, request, 2 * requests))
    return {
        "web document, kB": round(len(answer) / 1e3, 1),
        "web document: CPU ms": round(statistics.median(mine), 3),
        "the floor: CPU ms": round(statistics.median(least), 3),
        "web document: CPU / floor's CPU": round(
            statistics.median(m / f for m, f in zip(mine, least, strict=True)), 2
        ),
    }


def main() -> None:
    """Run from the command line."""
    parser = command.parser(__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--serve", type=int, metavar="PORT", help="serve what is measured, until stopped")
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        sys.exit()
    figures = measure(arguments.requests, arguments.rounds)
    command.tell("GraphQL, beside the decision", figures, arguments.write)


if __name__ == "__main__":
    main()
