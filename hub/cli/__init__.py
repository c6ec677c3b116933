"""`tutti`: one module a verb. Heavy imports are made inside the verbs, so that `--help` answers at once."""

import sys

import typer

from hub.cli.email import email_app
from hub.cli.evaluate import evaluate_command
from hub.cli.import_ import import_command
from hub.cli.insights import insights_app
from hub.cli.keys import keys_app
from hub.cli.ledger import ledger_app
from hub.cli.merge import dedupe_command, merge_command, reviews_app, split_command
from hub.cli.migrate import migrate_command
from hub.cli.mix import mix_app
from hub.cli.model import model_command
from hub.cli.offers import offers_app
from hub.cli.privacy import erase_command, export_command
from hub.cli.run import run_command
from hub.cli.scenarios import scenarios_app
from hub.cli.schema import schema_command
from hub.cli.segments import segments_app
from hub.cli.settings import settings_command
from hub.cli.templates import templates_app
from hub.cli.tune import tune_command
from hub.errors import TuttiError

app = typer.Typer(
    name="tutti",
    help="Tutti: one customer profile, one decision, every channel. Settings come from TUTTI_* variables; "
    "`tutti settings` lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run_command)
app.add_typer(email_app, name="email")
app.command("import")(import_command)
app.command("export")(export_command)
app.command("erase")(erase_command)
app.add_typer(ledger_app, name="ledger")
app.command("merge")(merge_command)
app.command("split")(split_command)
app.add_typer(reviews_app, name="reviews")
app.command("dedupe")(dedupe_command)
app.command("migrate")(migrate_command)
app.add_typer(insights_app, name="insights")
app.add_typer(keys_app, name="keys")
app.add_typer(mix_app, name="mix")
app.command("model")(model_command)
app.add_typer(scenarios_app, name="scenarios")
app.add_typer(segments_app, name="segments")
app.add_typer(templates_app, name="templates")
app.add_typer(offers_app, name="offers")
app.command("schema")(schema_command)
app.command("settings")(settings_command)
app.command("evaluate")(evaluate_command)
app.command("tune")(tune_command)


def main() -> None:
    """Run the command line; what the hub refuses on purpose ends in one sentence and exit code 2."""
    try:
        app()
    except TuttiError as error:
        where = f" (at {'.'.join(map(str, error.path))})" if error.path else ""
        typer.secho(f"tutti: {error.message}{where}", fg=typer.colors.RED, err=True)
        sys.exit(2)
