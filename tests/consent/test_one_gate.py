"""Nothing goes around the consent gate: a reading of the source, not a promise.

only hub.consent.gate makes a ProfileView or an Admission
layers, decisions and answers can name neither a Profile nor what holds one
channels read no profile from the store but for handing it to the gate, and what they present comes from it
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hub

ROOT = Path(hub.__file__).parent
GATE = ROOT / "consent" / "gate.py"
PERSONAL = {"Profile", "Interest", "Facet", "LinkedFacet"}
HOLDERS = (
    "hub.profiles.service",
    "hub.profiles.repository",
    "hub.profiles.identity_repository",
    "hub.profiles.facet_repository",
    "hub.profiles.moving",
    "hub.profiles.projection",
    "hub.events",
)


def sources(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(module: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, node


def imports(module: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_only_the_gate_makes_what_decisions_see() -> None:
    everywhere = (
        sources(".")
        + sorted((ROOT.parent / "resolvers").rglob("*.py"))
        + sorted((ROOT.parent / "schema").rglob("*.py"))
    )
    makers = {
        path for path in everywhere for name, _ in calls(tree(path)) if name in {"ProfileView", "Admission"}
    }
    assert makers == {GATE}


@pytest.mark.parametrize(
    "path", sources("layers", "decisions", "answers"), ids=lambda p: f"{p.parent.name}/{p.name}"
)
def test_what_decides_cannot_name_a_profile(path: Path) -> None:
    bad = [
        (module, name)
        for module, name in imports(tree(path))
        if module.startswith((*HOLDERS, "hub.profiles.beside"))
        or (module == "hub.profiles" and name != "view")
        or (module == "hub.profiles.model" and name in PERSONAL)
    ]
    assert bad == []


def test_channels_hand_the_profile_they_read_to_the_gate_and_to_nothing_else() -> None:
    service, reading, building = (
        tree(ROOT / "channels" / f"{name}.py") for name in ("service", "reading", "context_building")
    )
    admitted = [node for name, node in calls(service) if name == "admit"]
    assert len(admitted) == 1
    assert ast.unparse(admitted[0].args[0]) == "read.profile"
    uses = [
        node
        for module in (service, reading, building)
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and node.attr == "profile"
        and ast.unparse(node.value) != "admission"
    ]
    assert [ast.unparse(node) for node in uses] == ["read.profile"]
    finds = [
        node
        for module in (service, reading, building)
        for name, node in calls(module)
        if name.startswith("find")
    ]
    assert [ast.unparse(node) for node in finds] == [
        "(profiles or self._profiles).find_along(ref, self.besides, keep=keep)"
    ]
    contexts = [
        path.name
        for path in sources("channels")
        for name, _ in calls(tree(path))
        if name == "PresentationContext"
    ]
    assert contexts == ["context_building.py"]
    # `profile` in there is the admitted one
    assigned = [
        ast.unparse(node.value)
        for module in (service, building)
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["profile"]
    ]
    assert assigned == ["admission.profile"]


def test_the_reader_of_profiles_is_asked_by_the_one_service_alone() -> None:
    readers = {path.name for path in sources("channels") for name, _ in calls(tree(path)) if name == "Reader"}
    assert readers == {"service.py"}


@pytest.mark.parametrize("path", sources("channels"), ids=lambda p: p.name)
def test_no_channel_reads_the_store(path: Path) -> None:
    assert [one for one in imports(tree(path)) if one[0].startswith(HOLDERS)] == []


def test_experiences_are_assembled_by_the_one_service() -> None:
    """`present` and `decide` are called where the admission is, and nowhere else."""
    outside = {
        path.relative_to(ROOT).as_posix()
        for path in sources(".")
        for name, _ in calls(tree(path))
        if name == "present" and path.parent.name != "channels"
    }
    assert outside == set()
