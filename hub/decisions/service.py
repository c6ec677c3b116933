"""Decisions for the channels: fetches the scenario, settles the mix, and decides on the current catalogue.

The mix is the one published for the scenario, else the scenario's own; then what the call asks for; then
without what an operator muted; then without what the customer switched off.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

import structlog

from hub.catalogue.model import BrandFacts
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.consent.recipient import for_another
from hub.decisions.choices import Choice
from hub.decisions.decide import LAYER_FAILED, decide, gone
from hub.decisions.mixes import Board, MixService
from hub.decisions.model import Decision, Note, Scenario
from hub.decisions.scenario_check import presentable
from hub.decisions.scenarios import ScenarioService
from hub.decisions.shelf import Shelf, arrange
from hub.errors import NotFound
from hub.layers.base import Layer
from hub.layers.mix import MixRequest, resolve, respect, without
from hub.ledger.frequency import FrequencyCap
from hub.offers.model import NOTHING_KNOWN, UNKNOWN, Standing
from hub.profiles.view import ProfileView

log = structlog.get_logger(__name__)


class DecisionService:
    """Makes decisions; keeps the current catalogue arranged, and nothing else."""

    def __init__(
        self,
        snapshot: Callable[[], CatalogueSnapshot],
        scenarios: ScenarioService,
        layers: Mapping[str, Layer],
        mixes: MixService | None = None,
    ) -> None:
        """Take a provider of the current snapshot, the scenarios, the layers by name, and the saved mixes."""
        self._snapshot = snapshot
        self._scenarios = scenarios
        self.layers = layers
        self._mixes = mixes
        self._shelf: Shelf | None = None
        self._looked_at: dict[str, tuple[Scenario, Mapping[str, BrandFacts], Scenario]] = {}

    @property
    def shelf(self) -> Shelf:
        """The current catalogue, arranged; made anew when the snapshot was swapped."""
        snapshot = self._snapshot()
        if self._shelf is None or self._shelf.snapshot is not snapshot:
            self._shelf = arrange(snapshot)
        return self._shelf

    def forget(self) -> None:
        """Forget what was looked up for customers."""
        if self._shelf is not None:
            self._shelf.nearest.forget()

    def _presentable(self, scenario: Scenario) -> Scenario:
        """Return a scenario in words that the brand may say, looked at once for each scenario and catalogue."""
        facts = self.shelf.snapshot.facts
        known = self._looked_at.get(scenario.key)
        if known is None or known[0] is not scenario or known[1] is not facts:
            known = self._looked_at[scenario.key] = (scenario, facts, presentable(scenario, facts))
        return known[2]

    async def caps(self, scenario_key: str) -> tuple[FrequencyCap, ...]:
        """Return how often a scenario lets a person be shown something.

        Raises:
            NotFound: with code UNKNOWN_SCENARIO.
            Unavailable: if the scenario cannot be read and never was.
        """
        return (await self._scenarios.get(scenario_key)).frequency

    async def decide(
        self,
        view: ProfileView,
        scenario_key: str,
        mix_request: MixRequest,
        at: datetime | None = None,
        *,
        standing: Standing = NOTHING_KNOWN,
        draft: Scenario | None = None,
        worn: Mapping[str, str] = MappingProxyType({}),
        chosen: tuple[Choice, ...] = (),
    ) -> Decision:
        """Decide for one customer.

        Args:
            view: what consent allows to know of the customer.
            scenario_key: which scenario.
            mix_request: how this call wants the scenario's mix changed.
            at: the instant; default: the view's own.
            standing: which offers the customer holds, and which are closed to them.
            draft: decide by this scenario instead of the published one, with the mix that it has itself.
            worn: keys of what was shown often enough, each with the reason in a sentence.
            chosen: what this call asks for: the answers of a guided choice, and a budget.

        Raises:
            NotFound: with code UNKNOWN_SCENARIO.
            InvalidInput: if the mix request is impossible, see `hub.layers.mix.resolve`.
            Unavailable: if the scenario cannot be read and never was.
        """
        board = Board() if self._mixes is None else await self._mixes.board()
        if draft is not None:
            own = replace(board, published={})
            return self._decide(view, draft, mix_request, at, standing, worn, None, own, chosen)
        scenario = await self._scenarios.get(scenario_key)
        return self._decide(view, scenario, mix_request, at, standing, worn, None, board, chosen)

    async def gone(self, view: ProfileView, scenario_key: str, keys: Sequence[str]) -> frozenset[str]:
        """Return which of some contents may not be shown to a customer any more; frequency is not looked at.

        Raises:
            NotFound: with code UNKNOWN_SCENARIO.
            Unavailable: if the scenario cannot be read and never was.
        """
        return gone(view, self.shelf, await self._scenarios.get(scenario_key), keys)

    def decide_without_store(
        self,
        view: ProfileView,
        scenario_key: str,
        *,
        degraded: Note,
        at: datetime | None = None,
        chosen: tuple[Choice, ...] = (),
    ) -> Decision:
        """Decide from memory alone, for when the store is slow or gone; `degraded` says why.

        Raises:
            NotFound: with code UNKNOWN_SCENARIO.
        """
        scenario = self._scenarios.last_known(scenario_key)
        if scenario is None:
            raise NotFound(
                f"there is no scenario {scenario_key!r}", path=("scenario",), code="UNKNOWN_SCENARIO"
            )
        board = Board() if self._mixes is None else self._mixes.last_known
        return self._decide(view, scenario, MixRequest(), at, UNKNOWN, {}, degraded, board, chosen)

    def _decide(
        self,
        view: ProfileView,
        scenario: Scenario,
        mix_request: MixRequest,
        at: datetime | None,
        standing: Standing,
        worn: Mapping[str, str],
        degraded: Note | None,
        board: Board,
        chosen: tuple[Choice, ...],
    ) -> Decision:
        if at is not None and at != view.at:
            view = replace(view, at=at)
        if scenario.for_another and not view.for_another:
            view = for_another(view, self.shelf.snapshot)
        if chosen:
            scenario = replace(scenario, guards=replace(scenario.guards, chosen=chosen))
        scenario = self._presentable(scenario)
        saved = board.published.get(scenario.key)
        asked = resolve(scenario.mix if saved is None else saved.mix, mix_request, self.layers.keys())
        mix = respect(without(asked, board.muted), view.preferences)
        decision = decide(
            view, self.shelf, scenario, mix, self.layers, standing=standing, worn=worn, degraded=degraded
        )
        if decision.degraded is not None and decision.degraded.code == LAYER_FAILED:
            log.warning("layers failed", scenario=scenario.key, reason=decision.degraded.message)
        return decision
