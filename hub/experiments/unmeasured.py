"""What a log cannot tell, or hardly: said in sentences, so that no missing table is taken for a good one."""

from collections.abc import Iterator, Sequence

from hub.experiments.evaluation import Task
from hub.experiments.log import BOUGHT, EventLog
from hub.experiments.model import NewcomersReport, ReplayReport, Report
from hub.experiments.world import DAY, World
from hub.layers.guard import LayerFault

FEW = 30  # customers, or answers, below which a bootstrap resamples too little to be believed
LITTLE_BETTER = 0.5  # chance of a hit from which a list of anything looks good


def unmeasured(
    report: Report, world: World, log: EventLog, faults: Sequence[LayerFault] = ()
) -> tuple[str, ...]:
    """Return what the tables of a report leave out, and where they rest on little; `faults` are of layers that fail."""
    broken = [f"Layer {fault.layer}: it {fault.reason}, and counts as silent." for fault in faults]
    return (*_of_log(world, log), *_of_tables(report), *_of_layers(report, world), *broken)


def _of_log(world: World, log: EventLog) -> Iterator[str]:
    first, last, at = log.events[0].at, log.events[-1].at, world.at
    orders = [event for event in log.events if event.name == BOUGHT]
    nameless = sum(event.user_id is None for event in orders)
    if first >= at:
        yield f"Nothing happened before T: the log begins on {first:%Y-%m-%d}."
    elif not world.users:
        yield "No order before T names its customer (`userId`): there is no profile and no peer to learn of it."
    if last < at:
        yield f"Nothing happened after T: the log ends on {last:%Y-%m-%d}."
    elif last < at + (world.days - 1) * DAY:
        yield (
            f"The log ends on {last:%Y-%m-%d}, {(last - at).days + 1} of {world.days} days after T: what was bought later "
            "is not among the truth."
        )
    if nameless:
        yield (
            f"{nameless:,} of {len(orders):,} orders name no customer (`userId`): they count for popularity alone, and are "
            "nobody's truth."
        )
    if not orders:
        yield f"There is no `{BOUGHT}` in the log: what was only looked at is no truth here."


def _of_tables(report: Report) -> Iterator[str]:
    customers = {task.task: task.customers for task in report.tasks}
    if Task.ALL not in customers:
        yield "ALL and NEW: nobody who had bought before T bought in the window what had been sold before."
    elif Task.NEW not in customers:
        yield "NEW: nobody bought in the window what they had not bought before."
    for task, count in customers.items():
        if count < FEW:
            yield f"{task}: few customers ({count}); another window may say the opposite, whatever the intervals say."
    if not report.cold:
        yield "Cold customers: nobody bought for the first time in the window."
    elif report.cold_customers < FEW:
        yield f"Cold customers: few of them ({report.cold_customers})."
    yield from _of_newcomers(report.newcomers)
    if not report.visitors:
        yield (
            "Unknown visitors: no first order of the window holds three things, with those looked at before it, beside "
            "something else that was bought."
        )
    for group in report.visitors:
        if group.visitors < FEW:
            yield f"Unknown visitors, {group.group}: few of them ({group.visitors})."
    yield from _of_replay(report.replay)


def _of_newcomers(found: NewcomersReport | None) -> Iterator[str]:
    if found is None:
        yield "New items: nothing was first sold in the window to anybody who had bought before."
    elif found.chance >= LITTLE_BETTER:
        yield f"New items: few of them ({found.items}); any list holds {found.chance:.0%} of what was bought."
    elif found.customers < FEW:
        yield f"New items: few customers ({found.customers})."


def _of_replay(found: ReplayReport | None) -> Iterator[str]:
    if found is None:
        yield "Replay of feedback: nobody bought of the half of the catalogue that tells."
    elif found.repeats < FEW:
        yield (
            f"Replay of feedback: of {found.repeats + found.skips:,} answers {found.repeats} asked for more; what skips alone "
            "do is measured, and customers do not skip all that they do not buy."
        )


def _of_layers(report: Report, world: World) -> Iterator[str]:
    if report.tasks:
        heard = {worth.name for task in report.tasks for worth in task.layers}
        silent = [name for name, weight in report.mix.items() if weight > 0 and name not in heard]
        if silent:
            yield f"Layers that told nothing apart in this log, whatever they are worth elsewhere: {', '.join(silent)}."
        crowded = [worth.name for worth in report.tasks[0].layers if worth.share is None]
        if crowded:
            yield f"Shapley shares of {', '.join(crowded)}: too many layers play; these, the quietest, always play along."
    untitled = sum(content.title == content.key for content in world.snapshot.contents)
    if untitled:
        yield (
            f"{untitled:,} of {len(world.snapshot):,} contents have no title: their likeness is that of their keys."
        )
