"""`tutti settings`: every setting with the value in force."""

from rich.console import Console
from rich.table import Table

from hub.config import Settings, load_settings


def settings_command() -> None:
    """List every setting: its variable, the value in force and what it does."""
    settings = load_settings()
    table = Table("variable", "value", "meaning", title="Settings", title_justify="left", expand=False)
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        table.add_row(f"TUTTI_{name.upper()}", "" if value is None else str(value), field.description)
    Console().print(table)
