"""What it costs to say why, to play a layer solo, and to mute one: against the plain call, in turn with it.

    python -m benchmarks.explaining [--items 5000] [--customers 200] [--rounds 150] [--write FILE.json]

One hub process, asked over HTTP as users ask it, each experience durable in the ledger. The variants are asked
in turn, each round for one customer and in another order, so that whatever else the machine does falls on all of
them alike. The figures are ratios of medians: of latency, and, for a preview that writes nothing, so that the
store's waiting does not hide the cost of the answer, of latency again.

The sentence of each item's `why` belongs to what the ledger keeps and is worked out by every served call, asked
for or not; what asking adds is its contributions, ranks and the larger answer.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import command
from benchmarks.serving import Client, free_port, server, until_ready
from benchmarks.shop import stock

WARM = 20
QUERY = """
query Page($for: CustomerRef!, $mix: MixInput, $preview: Boolean!) {
  experience(for: $for, channel: WEB, scenario: "home", mix: $mix, preview: $preview) {
    servedId
    ... on WebExperience { slots { key items(first: 20) {
      position score content { id key kind title summary url imageUrl price { amount currency } availability }
      WHY
    } } }
  }
}
"""
WHY = "why { sentence contributions { layer { name title } weight score contribution rankBefore rankAfter } }"
PLAIN, EXPLAINED = QUERY.replace("WHY", ""), QUERY.replace("WHY", WHY)
VARIANTS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "plain": (PLAIN, None),
    "why on": (EXPLAINED, None),
    "solo interests": (PLAIN, {"solo": ["interests"]}),
    "solo base": (PLAIN, {"solo": ["base"]}),
    "mute interests": (PLAIN, {"mute": ["interests"]}),
    "mute three": (PLAIN, {"mute": ["interests", "needs", "neighbours"]}),
}


def body(document: str, mix: dict[str, Any] | None, customer: int, preview: bool) -> bytes:
    """Return a request as it is sent."""
    variables = {"for": {"userId": f"customer-{customer}"}, "mix": mix, "preview": preview}
    return json.dumps({"query": document, "variables": variables}).encode()


def medians(client: Client, customers: int, rounds: int, *, preview: bool) -> dict[str, float]:
    """Return each variant's median latency in milliseconds, asked in turn."""
    names = list(VARIANTS)
    took: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(WARM + rounds):
        for place in range(len(names)):
            name = names[(place + turn) % len(names)]
            asked = body(*VARIANTS[name], turn % customers, preview)
            began = time.perf_counter()
            answer = client.post(asked)
            if turn >= WARM:
                took[name].append((time.perf_counter() - began) * 1e3)
            if b'"errors"' in answer:
                raise SystemExit(f"{name}: {answer[:500]!r}")
    return {name: statistics.median(times) for name, times in took.items()}


def measure(items: int, customers: int, rounds: int, tell: Callable[[str], None]) -> dict[str, float]:
    """Measure on a shop of one size."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        tell(f"stocking a shop of {items} items and {customers} customers")
        key = command.run(stock(Path(folder), items, customers))
        port = free_port()
        environment = {"TUTTI_DATA_DIR": folder, "TUTTI_PORT": str(port), "TUTTI_LOG_LEVEL": "error"}
        with server(["hub", "run"], port, environment):
            until_ready(port)
            for preview in (False, True):
                kind = "preview" if preview else "served"
                tell(f"{rounds} rounds of {len(VARIANTS)} calls, {kind}")
                median = medians(Client(port, key), customers, rounds, preview=preview)
                found[f"plain, {kind}, {items} items: p50 ms"] = round(median["plain"], 2)
                for name, value in median.items():
                    if name != "plain":
                        found[f"{name} / plain, {kind}, {items} items: p50"] = round(
                            value / median["plain"], 3
                        )
    return found


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=150)
    arguments = parser.parse_args()
    found = measure(arguments.items, arguments.customers, arguments.rounds, command.step)
    command.tell("Saying why, solo and mute", found, arguments.write)


if __name__ == "__main__":
    main()
