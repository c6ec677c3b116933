"""An address that a family shares does not say whose data is to be erased, copied or merged."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub.errors import Conflict
from hub.privacy.erasure import ErasureService
from hub.privacy.export import ExportService
from hub.privacy.subjects import SubjectIdentity, Subjects
from hub.profiles.identity import parse_ref
from tests.privacy.scan import dump
from tests.profiles.rooms import Rooms

FAMILY = parse_ref("email", "family@example.com")


@pytest.fixture
async def family(mia: Rooms) -> Rooms:
    """Mia and Ben, who gave one address beside their own."""
    await mia.identify("mia", email=FAMILY.value, email_verified=True)
    await mia.identify("ben", email=FAMILY.value, email_verified=True)
    return mia


def subject(kind: str, value: str) -> SubjectIdentity:
    return SubjectIdentity(identity_type=kind, identity_value=value)


async def test_nobody_is_erased_copied_or_merged_by_it(
    family: Rooms, erasures: ErasureService, exports: ExportService
) -> None:
    before = await dump(family.store)
    ann = parse_ref("user_id", "mia")
    for doing in (
        erasures.erase(FAMILY, requested_by="test"),
        exports.grant(FAMILY),
        family.merges.merge(ann, [FAMILY], by="ann"),
        family.merges.merge(FAMILY, [ann], by="ann"),
        family.merges.split(FAMILY, [ann], by="ann"),
    ):
        with pytest.raises(Conflict) as caught:
            await doing
        assert caught.value.kind == "SEVERAL_CUSTOMERS"
        assert "2 customers share this email" in caught.value.message
    assert await dump(family.store) == before


async def test_their_own_names_mean_them_as_ever(family: Rooms, erasures: ErasureService) -> None:
    await erasures.erase(parse_ref("email", "ben@example.com"), requested_by="test")
    assert await family.find("ben") is None
    assert (await family.require()).identity("email") is not None


async def test_once_only_one_is_left_it_means_them(family: Rooms, erasures: ErasureService) -> None:
    await family.merges.merge(parse_ref("user_id", "mia"), [parse_ref("user_id", "ben")], by="ann")
    await erasures.erase(FAMILY, requested_by="test")
    assert await family.find("mia") is None


class TestARequestOfASubject:
    async def test_by_it_alone_is_refused(self, family: Rooms) -> None:
        with pytest.raises(Conflict) as caught:
            await Subjects(family.store, family.profiles).of([subject("email", FAMILY.value)])
        assert (caught.value.kind, caught.value.path) == ("SEVERAL_CUSTOMERS", ("subject_identities",))

    async def test_is_of_whom_another_identity_means(self, family: Rooms) -> None:
        found = await Subjects(family.store, family.profiles).of(
            [subject("email", FAMILY.value), subject("controller_customer_id", "ben")]
        )
        assert found == [(await family.require("ben")).id]


def test_a_copy_of_nobody_writes_no_file_and_over_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.cli import privacy

    async def nobody(*_: Any, **__: Any) -> None:
        raise Conflict("2 customers share this email", code="SEVERAL_CUSTOMERS")

    monkeypatch.setattr(privacy, "_export", nobody)
    monkeypatch.setattr(privacy, "_ref", lambda *_: SimpleNamespace())
    kept = tmp_path / "kept.json"
    kept.write_text("the copy of before")
    for out in (kept, tmp_path / "new.json"):
        with pytest.raises(Conflict):
            privacy.export_command("family@example.com", "email", out)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [
        ("kept.json", "the copy of before")
    ]
