"""The decision of an experience, and what takes its place where it cannot be made as asked.

the scenario is not read in time    its last known form decides
a layer raises                      the base layer decides alone
"""

import traceback
from dataclasses import replace
from datetime import datetime

import structlog

from hub.channels.ports import Decisions
from hub.channels.reading import Capped, StoreTime
from hub.decisions.choices import Choice
from hub.decisions.model import Decision, MixRequest, Note, Scenario
from hub.errors import TuttiError, Unavailable
from hub.offers.model import Standing
from hub.profiles.view import ProfileView

log = structlog.get_logger(__name__)

SCENARIO_OLD = Note(
    "SCENARIO_UNAVAILABLE", "The scenario could not be read in time; its last known form was used."
)
LAYERS_FAILED = Note(
    "DECISION_FAILED", "The decision could not be made as asked; this is the base experience."
)


async def decided(
    decisions: Decisions,
    view: ProfileView,
    scenario: str,
    mix: MixRequest,
    at: datetime,
    standing: Standing,
    capped: Capped,
    store: StoreTime,
    draft: Scenario | None = None,
    chosen: tuple[Choice, ...] = (),
) -> Decision:
    """Decide; where a layer breaks, decide again by what needs no layer but the base.

    A layer may come from anybody. One that raises costs its customers the personal part of the page,
    never the page.
    """
    try:
        return await store.of(
            decisions.decide(
                view, scenario, mix, at, standing=standing, worn=capped.worn, draft=draft, chosen=chosen
            )
        )
    except Unavailable:
        return decisions.decide_without_store(view, scenario, degraded=SCENARIO_OLD, chosen=chosen)
    except TuttiError:
        raise
    except Exception as error:  # noqa: BLE001 - a third party's layer may raise whatever it likes
        # Frames without values and without the message: both could hold personal data.
        frames = traceback.format_tb(error.__traceback__)
        log.error("decision failed", scenario=scenario, error=type(error).__name__, frames=frames)  # noqa: TRY400
        base = MixRequest(solo=("base",))
        again = decisions.decide(view, scenario, base, at, standing=standing, worn=capped.worn, chosen=chosen)
        plain = await store.of(again)
        return replace(plain, degraded=LAYERS_FAILED)
