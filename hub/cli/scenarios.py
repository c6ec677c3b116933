"""`tutti scenarios`: list, show, draft, check, preview, publish and roll back scenarios."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hub.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from hub.decisions.editing import SavedScenario
    from hub.decisions.model import Scenario
    from hub.decisions.scenarios import Shipped
    from resolvers.context import Services

T = TypeVar("T")
BY = "command line"

scenarios_app = typer.Typer(
    help="Scenarios as data: draft, check, preview, publish, roll back.", no_args_is_help=True
)
ScenarioKey = Annotated[str, typer.Argument(help="Key of the scenario, such as home.")]
Definition = Annotated[Path, typer.Argument(help="A TOML file; see docs/scenarios.md.", exists=True)]


def _run(work: Callable[["Services"], Awaitable[T]]) -> T:
    from hub.app import open_services
    from hub.config import load_settings

    async def run() -> T:
        async with open_services(load_settings()) as (services, *_):
            return await work(services)

    return asyncio.run(run())


@scenarios_app.command("list")
def list_() -> None:
    """Print the scenarios in force, and which of those that are shipped were edited here."""

    async def work(services: "Services") -> tuple[tuple["Scenario", ...], dict[str, "Shipped"]]:
        return await services.scenarios.list(), await services.scenarios.standing()

    scenarios, standing = _run(work)
    for scenario in scenarios:
        said = standing[scenario.key].value if scenario.key in standing else ""
        typer.echo(f"{scenario.key:24} {scenario.version:>3}  {scenario.title:40}  {said}".rstrip())


@scenarios_app.command("show")
def show(key: ScenarioKey) -> None:
    """Print the versions of a scenario, newest first, and what the one in force says."""

    async def work(services: "Services") -> tuple["Scenario", tuple["SavedScenario", ...]]:
        return await services.scenarios.get(key), await services.editing.versions(key)

    scenario, versions = _run(work)
    for saved in versions:
        typer.echo(_line(saved))
    typer.echo(f"\n{scenario.title}. {scenario.description}\ngoal: {scenario.goal.metric}")
    if scenario.moments:
        typer.echo(f"made for: {', '.join(scenario.moments)}")
    typer.echo("mix: " + ", ".join(f"{name} {weight:g}" for name, weight in scenario.mix.weights.items()))
    for channel, slots in scenario.slots.items():
        for slot in slots:
            kinds = ", ".join(kind.value for kind in slot.kinds)
            typer.echo(f"{channel.value}: {slot.key} '{slot.title}', {slot.size} of {kinds}")


@scenarios_app.command("start")
def start(
    key: ScenarioKey,
    file: Annotated[Path, typer.Argument(help="Where to write it.", show_default=False)],
    version: Annotated[int | None, typer.Option(help="Which version; none: the one in force.")] = None,
) -> None:
    """Write the definition of a version into a file, to begin from."""
    if file.exists():
        raise InvalidInput(f"{file} is there already; name another file", path=("file",))

    async def work(services: "Services") -> "SavedScenario":
        if version is None:
            return await services.editing.in_force(key)
        return await services.editing.version(key, version)

    saved = _run(work)
    if saved.definition is None:
        raise NotFound(
            f"of {key!r} {saved.scenario.version} no text is kept: a release before such texts were kept saved it",
            code="NO_DEFINITION",
        )
    file.write_text(saved.definition, "utf-8")
    typer.echo(f"{file} is {key} {saved.scenario.version} as it was drafted")


@scenarios_app.command("draft")
def draft(
    definition: Definition, note: Annotated[str, typer.Option(help="What has changed and why.")] = ""
) -> None:
    """Save a definition as a new version; nothing that is served changes."""
    text = definition.read_text("utf-8")
    typer.echo(_line(_run(lambda services: services.editing.draft(text, by=BY, note=note))))


@scenarios_app.command("check")
def check(
    keys: Annotated[
        list[str] | None, typer.Argument(help="Scenarios that are in force; none: all of them.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Check this definition instead.", exists=True)] = None,
) -> None:
    """Run the executable specifications of what is in force, or of a file, against this hub; leaves no trace.

    A scenario that was edited without checks of its own is held to those that ship with it. Those speak of the
    demo house's customers: run `tutti run --demo` once before.
    """
    from hub.channels.visions import Verdict
    from hub.channels.visions import check as run_checks
    from hub.decisions.scenario_files import parse_file, shipped_files

    written = None if file is None else parse_file(file.read_text("utf-8"), name=file.name)
    shipped = shipped_files()

    async def work(services: "Services") -> list[Verdict]:
        hub = (services.experiences, services.profiles, services.layers, services.clock)
        if written is not None:
            return [*await run_checks(written.checks, written.scenario(), *hub)]
        verdicts: list[Verdict] = []
        for key in keys or [scenario.key for scenario in await services.scenarios.list()]:
            saved = await services.editing.in_force(key)
            checks = [] if saved.definition is None else parse_file(saved.definition).checks
            if not checks and key in shipped:
                checks = shipped[key].checks
            verdicts += await run_checks(checks, saved.scenario, *hub, in_force=True)
        return verdicts

    verdicts = _run(work)
    for verdict in verdicts:
        typer.echo(f"{'holds' if not verdict.faults else 'FAILS'}  {verdict.scenario}: {verdict.title}")
        for fault in verdict.faults:
            typer.echo(f"       {fault}")
    failed = sum(1 for verdict in verdicts if verdict.faults)
    typer.echo(f"{len(verdicts) - failed} of {len(verdicts)} hold")
    if failed:
        raise typer.Exit(1)


@scenarios_app.command("preview")
def preview(
    key: ScenarioKey,
    version: Annotated[int | None, typer.Option(help="Which version; none: the one in force.")] = None,
    user: Annotated[str | None, typer.Option(help="For the customer with this user id.")] = None,
    sample: Annotated[int, typer.Option(min=1, max=1000, help="Without --user: for so many customers.")] = 5,
    channel: Annotated[str, typer.Option(help="WEB, EMAIL or SERVICE_DESK.")] = "WEB",
) -> None:
    """Show what a version would show one customer, or a sample of them; leaves no trace."""
    from hub.channels.slots import slots_of
    from hub.decisions.model import Channel
    from hub.profiles.identity import parse_ref
    from hub.profiles.model import CustomerRef

    async def work(services: "Services") -> None:
        found = None if version is None else (await services.editing.version(key, version)).scenario
        if user is not None:
            refs = [parse_ref("user_id", user)]
        else:
            refs = [CustomerRef("id", each) for each in await services.profiles.page_of_ids(most=sample)]
        for ref in refs:
            page = await services.experiences.assemble(
                ref, channel=Channel(channel), scenario=key, preview=True, draft=found
            )
            typer.echo(f"{ref.value}: {page.decision.moment.title}")
            for slot in slots_of(page.decision, page.channel):
                typer.echo(f"  {slot.title}")
                for item in slot.items:
                    typer.echo(f"    {item.position:>3}. {item.content.title} -- {item.why.sentence}")

    _run(work)


@scenarios_app.command("publish")
def publish(
    key: ScenarioKey, version: Annotated[int, typer.Argument(help="The version to put in force.")]
) -> None:
    """Put a version in force in every process, within two seconds."""
    typer.echo(_line(_run(lambda services: services.editing.publish(key, version))))


@scenarios_app.command("rollback")
def rollback(key: ScenarioKey) -> None:
    """Put in force what the version in force replaced."""
    typer.echo(_line(_run(lambda services: services.editing.roll_back(key))))


def _line(saved: "SavedScenario") -> str:
    scenario = saved.scenario
    by = f" by {saved.created_by}" if saved.created_by else ""
    note = f": {saved.note}" if saved.note else ""
    return f"{scenario.key} {scenario.version}  {saved.state.value:9} {saved.created_at:%Y-%m-%d %H:%M}{by}{note}"
