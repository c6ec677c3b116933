"""The documentation and the code say the same."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.config import Settings, load_settings
from hub.errors import SetupError

ROOT = Path(__file__).parent.parent
DOCS = sorted(
    page
    for folder in (ROOT / "docs", ROOT / "examples", ROOT)
    for page in (folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))
)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_meaning(name):
    rows = [
        line
        for line in (ROOT / "docs" / "settings.md").read_text().splitlines()
        if line.startswith(f"| `TUTTI_{name.upper()}` |")
    ]
    assert len(rows) == 1
    assert rows[0].endswith(f"| {Settings.model_fields[name].description} |")


def test_no_setting_is_documented_that_does_not_exist():
    named = {name for page in DOCS for name in re.findall(r"TUTTI_[A-Z_]*[A-Z]", page.read_text())}
    known = {f"TUTTI_{name.upper()}" for name in Settings.model_fields}
    assert named - known - {"TUTTI_TEST_MONGODB_URI", "TUTTI_TEST_DATA", "TUTTI_TEST_BROWSER"} == set()


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_our_pages_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_note_and_caution_is_told_on_the_page_of_the_channels():
    sources = [path.read_text() for path in (ROOT / "hub" / "channels").glob("*.py")]
    codes = {code for text in sources for code in re.findall(r"\b(?:Note|Withheld)\(\s*\"([A-Z_]+)\"", text)}
    assert len(codes) > 20
    page = (ROOT / "docs" / "channels.md").read_text()
    assert {code for code in codes if f"`{code}`" not in page} == set()


def test_every_command_explains_itself():
    from hub.cli import app

    names = [command.name for command in app.registered_commands] + [g.name for g in app.registered_groups]
    assert {"run", "import", "migrate", "keys", "model", "offers", "schema", "settings"} <= set(names)
    for name in names:
        shown = CliRunner().invoke(app, [str(name), "--help"])
        assert shown.exit_code == 0, shown.output
        assert len(shown.output.splitlines()) > 4


def test_every_make_target_has_a_line_of_help():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    told = set(re.findall(r"^([a-z]+):.*## ", makefile, flags=re.MULTILINE))
    assert targets == told


def test_a_setting_that_cannot_be_understood_is_named(monkeypatch):
    monkeypatch.setenv("TUTTI_PORT", "eighty")
    with pytest.raises(SetupError, match="TUTTI_PORT"):
        load_settings()
