"""What a run of the evaluation measured, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.experiments.bootstrap import Interval


@dataclass(frozen=True, slots=True)
class Line:
    """One recommender's means; `ahead` is the hub's nDCG less its own, paired by customer."""

    name: str
    ndcg: float
    recall: float
    map: float
    coverage: float
    novelty: float
    repeats: float
    ahead: Interval | None = None


@dataclass(frozen=True, slots=True)
class LayerWorth:
    """What one layer is worth: nDCG alone and without it, how much muting it costs, its Shapley share.

    `share` is None where there were too many layers to share out among, see `hub.experiments.run`.
    """

    name: str
    weight: float
    solo: float
    without: float
    costs: Interval
    share: float | None


@dataclass(frozen=True, slots=True)
class TaskReport:
    """One task: the hub first, then as its own page shows it, then its peers; and its layers."""

    task: str
    customers: int
    lines: tuple[Line, ...]
    layers: tuple[LayerWorth, ...]
    together: float  # what the shares sum to


@dataclass(frozen=True, slots=True)
class NewcomersReport:
    """New items by text alone: recall@5."""

    items: int
    customers: int
    hub: float
    tf_idf: float
    chance: float
    ahead: Interval
    solo: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class AfterLooks:
    """How well the hub served visitors after so many looks, and by how much it is ahead of popularity."""

    looks: int
    ndcg: float
    ahead: Interval


@dataclass(frozen=True, slots=True)
class VisitorsReport:
    """Unknown visitors: nDCG@10 of popularity, the better of `popularity_days`, and of the hub."""

    group: str
    visitors: int
    popularity: float
    popularity_days: int
    after: tuple[AfterLooks, ...]


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Replay of feedback: nDCG@10 of what was not answered to, without the answers and with them."""

    customers: int
    repeats: int
    skips: int
    without: float
    with_feedback: float
    gain: Interval


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a run measured."""

    at: datetime
    days: int
    scenario: str
    mix: Mapping[str, float]
    contents: int
    history: int
    tasks: tuple[TaskReport, ...]
    cold: tuple[Line, ...]
    cold_customers: int
    newcomers: NewcomersReport | None
    visitors: tuple[VisitorsReport, ...] = ()
    replay: ReplayReport | None = None
    unmeasured: tuple[str, ...] = ()  # what this log cannot tell, or hardly, in sentences
