"""GraphiQL out of the hub's own files."""

import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from hub.errors import SetupError, TuttiError
from hub.web import graphiql, graphiql_assets
from hub.web.graphiql_assets import ASSETS, Asset, complete, fetch
from hub.web.problems import on_tutti_error


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Small files of our own in GraphiQL's place, each with its digest."""
    assets = []
    for asset in ASSETS:
        content = f"the content of {asset.name}".encode()
        (tmp_path / asset.name).write_bytes(content)
        assets.append(Asset(asset.package, asset.member, asset.name, hashlib.sha256(content).hexdigest()))
    monkeypatch.setattr(graphiql_assets, "ASSETS", tuple(assets))
    monkeypatch.setattr(graphiql, "FOLDER", tmp_path)
    monkeypatch.setattr(graphiql, "complete", lambda: complete(tmp_path))
    return tmp_path


@pytest.fixture
async def client(files):
    app = Starlette(routes=graphiql.routes(), exception_handlers={TuttiError: on_tutti_error})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as made:
        yield made


class TestPage:
    async def test_everything_it_loads_is_ours_and_there(self, client):
        page = await client.get("/graphiql")
        assert page.status_code == 200
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(loaded) == 7
        for path in loaded:
            if path != "data:,":
                assert path.startswith("/graphiql/")
                assert (await client.get(path)).status_code == 200

    async def test_the_policy_names_no_other_host_and_no_script_in_the_page(self, client):
        page = await client.get("/graphiql")
        policy = page.headers["content-security-policy"]
        assert "http" not in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert re.findall(r"<script(?![^>]*src=)|\son\w+=", page.text) == []

    async def test_the_example_is_a_document_of_this_schema(self, client):
        from graphql import parse, validate

        from hub.web.graphql import core_schema
        from schema.schema import build

        script = (await client.get("/graphiql/page.js")).text
        example = re.search(r"const QUESTION = `(.+?)`;", script, re.DOTALL).group(1)
        assert validate(core_schema(build()), parse(example)) == []

    @pytest.mark.parametrize(
        "path", ["/graphiql/secrets", "/graphiql/files/../../graphiql.py", "/graphiql/files/page.js"]
    )
    async def test_nothing_else_is_served(self, client, path):
        assert (await client.get(path)).status_code == 404

    @pytest.mark.parametrize("change", [lambda f: f.unlink(), lambda f: f.write_text("another script")])
    async def test_a_file_that_is_missing_or_another_is_not_run(self, client, files, change):
        change(files / "graphiql.js")
        page = await client.get("/graphiql")
        assert page.status_code == 503
        assert "make setup" in page.text
        assert "<script" not in page.text


def archive(member: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as file:
        entry = tarfile.TarInfo(member)
        entry.size = len(content)
        file.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


class TestFetching:
    """With an npm of our own that packs what a test wants."""

    @pytest.fixture
    def npm(self, tmp_path, monkeypatch):
        content = b"the right bytes"
        asset = Asset("thing@1.0.0", "package/thing.js", "thing.js", hashlib.sha256(content).hexdigest())
        monkeypatch.setattr(graphiql_assets, "ASSETS", (asset,))

        def install(packed: bytes, code: int = 0) -> None:
            folder = tmp_path / "bin"
            folder.mkdir(exist_ok=True)
            (folder / "thing-1.0.0.tgz").write_bytes(archive("package/thing.js", packed))
            script = folder / "npm"
            script.write_text(
                f"#!{sys.executable}\nimport json, shutil, sys\n"
                f"if {code}: sys.exit('npm error 404: no such thing')\n"
                f"shutil.copy({str(folder / 'thing-1.0.0.tgz')!r}, sys.argv[-1])\n"
                "print(json.dumps([{'filename': 'thing-1.0.0.tgz'}]))\n"
            )
            script.chmod(0o755)
            monkeypatch.setenv("PATH", str(folder))

        return install

    def test_the_right_file_is_kept(self, npm, tmp_path):
        npm(b"the right bytes")
        assert not complete(tmp_path / "static")
        fetch(tmp_path / "static")
        assert complete(tmp_path / "static")
        assert [path.name for path in (tmp_path / "static").iterdir()] == ["thing.js"]

    def test_other_bytes_are_not_kept(self, npm, tmp_path):
        npm(b"other bytes")
        with pytest.raises(SetupError, match="not the file that is pinned"):
            fetch(tmp_path / "static")
        assert not complete(tmp_path / "static")
        assert list((tmp_path / "static").iterdir()) == []

    def test_a_registry_that_refuses_ends_in_one_sentence(self, npm, tmp_path):
        npm(b"", code=1)
        with pytest.raises(SetupError, match=r"could not fetch thing@1.0.0 from npm: npm error 404"):
            fetch(tmp_path / "static")

    def test_without_npm_it_is_taken_from_pypi_and_a_fault_ends_in_one_sentence(self, monkeypatch, tmp_path):
        asked = []

        def run(command, **_how):
            asked.append(command)
            return subprocess.CompletedProcess(command, 1, "", "no network\n")

        monkeypatch.setattr(graphiql_assets.shutil, "which", lambda _name: None)
        monkeypatch.setattr(graphiql_assets.subprocess, "run", run)
        with pytest.raises(SetupError, match=r"could not fetch Node.js from PyPI: no network"):
            fetch(tmp_path / "static")
        assert [command[1:4] for command in asked] == [("-m", "pip", "install")]


def test_every_file_is_pinned_by_version_and_digest():
    for asset in ASSETS:
        assert re.fullmatch(r"[a-z-]+@\d+\.\d+\.\d+", asset.package)
        assert re.fullmatch(r"[0-9a-f]{64}", asset.sha256)


def test_the_folder_is_not_committed():
    ignored = (Path(__file__).parents[2] / ".gitignore").read_text().splitlines()
    assert "/hub/web/static/graphiql/" in ignored
    assert json.dumps(str(graphiql_assets.FOLDER)).endswith('static/graphiql"')
