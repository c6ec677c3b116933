"""What issued offers and frequency caps add to a serving, each way in turn for every customer of one run.

python -m benchmarks.offers [--write FILE.json] [--customers 150]

bare     no offers at all: the customer's grants are not even looked for
first    three offers are issued to the customer, durably, before the ledger's row
held     the customer holds them: they are looked up
capped   and the scenario caps items: they are counted, and a turn is taken
"""

import tempfile
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import command
from benchmarks.shop import contents_of, history, settings_for
from hub.app import open_services
from hub.catalogue.model import BrandFacts, Offer
from hub.decisions.model import Channel
from hub.kit.money import Money
from hub.ledger.frequency import CapOf, FrequencyCap
from hub.offers.model import Standing
from hub.offers.service import GRANTS
from hub.profiles.model import CustomerRef
from hub.store.codecs import to_document

ITEMS = 1_000


class NoOffers:
    """Stands in for the offers where they are to cost nothing."""

    beside = GRANTS

    async def standing(self, *_: Any) -> Standing:
        return Standing(closed={f"offer-{n}": "budget_spent" for n in range(3)})

    async def promise(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {}


async def measure(folder: Path, customers: int) -> dict[str, float]:
    """Return medians in milliseconds, and what each way adds to the one before."""
    settings = settings_for(folder).model_copy(update={"store_deadline": 30.0})
    async with open_services(settings) as (services, _auth, _signer, store):
        catalogue = services.catalogue
        await catalogue.put_brand_facts([BrandFacts(key="bench", name="Bench", voice="Exact.")])
        await catalogue.put_contents(contents_of(ITEMS))
        worth = Money(Decimal(5), "GBP")
        await catalogue.put_offers([
            Offer(key=f"offer-{n}", title="O", terms="T", amount_off=worth, per_person=1,
                  budget=Money(Decimal(10) ** 9, "GBP"))
            for n in range(3)
        ])  # fmt: skip
        for customer in range(customers + 1):
            messages = list(history(customer, ITEMS, services.clock.now(), length=20))
            await services.ingest.record(messages, source="benchmark")
        await services.ingest.recover()
        home = await services.scenarios.get("home")
        caps = (FrequencyCap(CapOf.ITEM, 50, 7),)
        await store.db["scenarios"].insert_one(
            to_document(replace(home, key="capped", frequency=caps), _id="capped")
        )
        services.scenarios.forget()
        experiences, offers = services.experiences, services.offers
        times: dict[str, list[float]] = {"bare": [], "first": [], "held": [], "capped": []}
        for customer in range(customers + 1):
            ref = CustomerRef("user_id", f"customer-{customer}")
            for way, taken in times.items():
                experiences._offers = experiences._reader._offers = NoOffers() if way == "bare" else offers
                begun = time.perf_counter()
                shown = await experiences.assemble(
                    ref, channel=Channel.WEB, scenario="capped" if way == "capped" else "home"
                )
                if customer:  # the first one warms up
                    taken.append((time.perf_counter() - begun) * 1_000)
                if shown.served_id is None or len(shown.decision.grants) != (0 if way == "bare" else 3):
                    raise SystemExit(f"{way}: not what was to be measured")
        found = {f"{way} ms": median(taken) for way, taken in times.items()}
        return found | {f"{way} / bare": found[f"{way} ms"] / found["bare ms"] for way in list(times)[1:]}


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--customers", type=int, default=150)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = command.run(measure(Path(folder), arguments.customers))
    command.tell("Offers, medians", figures, arguments.write)


if __name__ == "__main__":
    main()
