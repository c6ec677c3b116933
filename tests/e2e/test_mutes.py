"""An operator's hand on the mix, over two hub processes beside one store."""

import os
import subprocess
import sys
import time

import pytest

from tests.e2e.hub_process import HubProcess, free_port

PLAYED = """{ experience(for: {userId: "persona-ada"}, channel: WEB, scenario: "home", preview: true) {
  degraded { code } ranking(first: 1) { why { contributions { layer { name } } } } } }"""
MUTE = """mutation($layer: String!, $muted: Boolean!) {
  muteLayer(input: {layer: $layer, muted: $muted}) { muted { layer { name } } errors { code } } }"""


@pytest.fixture(scope="module")
def second(hub):
    other = HubProcess(hub.data_dir, free_port(), demo=False).start().wait_ready()
    yield other
    assert other.stop() == 0


def played(of):
    (item,) = of.data(PLAYED)["experience"]["ranking"]
    return [part["layer"]["name"] for part in item["why"]["contributions"]]


def seconds_until(condition):
    began = time.monotonic()
    while time.monotonic() - began < 5:
        if condition():
            return time.monotonic() - began
        time.sleep(0.02)
    pytest.fail("it never came")


@pytest.mark.mongod
def test_a_mute_is_live_on_every_worker_within_a_second(hub, second):
    assert "needs" in played(hub)
    assert "needs" in played(second)
    for muted in (True, False):
        told = hub.data(MUTE, {"layer": "needs", "muted": muted})["muteLayer"]
        assert told["errors"] == []
        assert ("needs" not in played(hub)) == muted  # where it was said, at once
        assert seconds_until(lambda muted=muted: ("needs" not in played(second)) == muted) < 1.0


@pytest.mark.mongod
def test_the_command_line_does_the_same(hub, second):
    def tutti(*arguments):
        environment = os.environ | {"TUTTI_DATA_DIR": str(hub.data_dir)}
        environment.pop("TUTTI_MONGODB_URI", None)
        done = subprocess.run(
            [sys.executable, "-m", "hub", "mix", *arguments],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, (done.stdout + done.stderr).strip()

    assert tutti("draft", "service", "base=1.5", "needs=0.5", "--stretch", "0.2", "--note", "try") == (
        0,
        "service 1 DRAFT: base=1.5 needs=0.5 stretch=0.2  # try",
    )
    assert tutti("publish", "service", "1")[0] == 0
    assert tutti("list", "service")[1].startswith("service 1 PUBLISHED")
    assert tutti("rollback", "service") == (0, "service: its own mix is in force")
    code, told = tutti("draft", "service", "bass=1")
    assert code == 2
    assert "this hub has no layer 'bass'" in told
    assert tutti("mute", "session") == (0, "muted: session")
    assert seconds_until(lambda: "session" not in played(second)) < 1.0
    assert tutti("unmute", "session") == (0, "muted: none")
