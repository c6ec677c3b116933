"""`tutti schema`: print the GraphQL schema, or check that the printed one is current."""

import difflib
from typing import Annotated

import typer


def schema_command(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if schema/schema.graphql is not current.")
    ] = False,
) -> None:
    """Print the GraphQL schema into schema/schema.graphql."""
    from schema.schema import PRINTED, printed

    current, kept = printed(), PRINTED.read_text() if PRINTED.exists() else ""
    if current == kept:
        typer.echo("schema/schema.graphql is current")
        return
    if not check:
        PRINTED.write_text(current)
        typer.echo("schema/schema.graphql is written")
        return
    for line in difflib.unified_diff(
        kept.splitlines(), current.splitlines(), "checked in", "as built", lineterm=""
    ):
        typer.echo(line)
    typer.secho(
        "schema/schema.graphql is not current; `tutti schema` writes it", fg=typer.colors.RED, err=True
    )
    raise typer.Exit(1)
