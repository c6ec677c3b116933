"""What goes wrong on real machines: each ends in a working hub or in one clear sentence."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import psutil
import pymongo
import pytest

from tests.e2e.hub_process import HubProcess, free_port


def mongod_of(hub: HubProcess) -> psutil.Process:
    """Return the server that works on a hub's data."""
    folder = str(hub.data_dir)
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "mongod" and folder in " ".join(process.info["cmdline"] or []):
            return process
    pytest.fail("no server runs on this hub's data")


def page(hub: HubProcess) -> dict:
    return hub.data(hub.contract("web"), {"for": {"userId": "persona-ada"}, "scenario": "home"})["experience"]


def wait_until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.2)


def counts(hub: HubProcess) -> dict[str, int]:
    """Count what the demo wrote, and the versions of it, as an admin sees it through the API."""
    catalogue = hub.data(hub.contract("operations"), {"first": 1}, operation="Catalogue")["contents"][
        "totalCount"
    ]
    found = {"contents": catalogue}
    for user_id in hub.keys["personas"]:
        query = "query($u: String!) { customer(by: {userId: $u}) { version timeline(first: 200) { edges { node { id } } } } }"
        customer = hub.data(query, {"u": user_id})["customer"]
        found[f"{user_id} version"] = customer["version"]
        found[f"{user_id} events"] = len(customer["timeline"]["edges"])
    return found


@pytest.fixture
def fresh(shared_memory):
    """A hub with data of its own; whatever is left of it is ended with the test."""
    hub = HubProcess(shared_memory / f"data-{free_port()}", free_port())
    yield hub
    for process in psutil.process_iter(["cmdline"]):
        if str(hub.data_dir) in " ".join(process.info["cmdline"] or []):
            process.kill()
    if hub.process is not None:
        hub.process.kill()
        hub.process.wait()


def test_a_demo_killed_anywhere_is_completed_by_the_next_start_and_then_changes_no_more(fresh):
    for seconds in (3.0, 5.0, 7.0):
        fresh.start()
        time.sleep(seconds)
        fresh.kill()
    fresh.start().wait_ready()
    complete = counts(fresh)
    assert min(complete.values()) > 0
    assert fresh.stop() == 0
    fresh.start().wait_ready()
    assert counts(fresh) == complete
    assert fresh.stop() == 0


def test_two_hubs_share_one_data_directory_and_one_survives_the_other(fresh):
    fresh.start().wait_ready()
    second = HubProcess(fresh.data_dir, free_port(), demo=False).start().wait_ready()
    try:
        assert page(second)["servedId"]
        served = page(fresh)["servedId"]
        replay = second.data(second.contract("operations"), {"id": served}, operation="Replay")["served"]
        assert replay["id"] == served
        fresh.kill()

        def answers() -> bool:
            return httpx.get(f"{second.url}/readyz", timeout=10).status_code == 200

        wait_until(answers)
        wait_until(lambda: page(second)["servedId"] is not None)
        replay = second.data(second.contract("operations"), {"id": served}, operation="Replay")["served"]
        assert replay["id"] == served
    finally:
        assert second.stop() == 0


def test_a_server_killed_under_the_hub_degrades_it_and_comes_back(fresh):
    fresh.start().wait_ready()
    acknowledged = page(fresh)["servedId"]
    mongod_of(fresh).kill()
    degraded = page(fresh)  # never an error page
    assert degraded["slots"]
    assert degraded["servedId"] is None or degraded["degraded"] is None
    wait_until(lambda: page(fresh)["servedId"] is not None)
    replay = fresh.data(fresh.contract("operations"), {"id": acknowledged}, operation="Replay")["served"]
    assert replay["id"] == acknowledged
    assert fresh.stop() == 0


def test_events_acknowledged_before_a_kill_are_there_after_it(fresh):
    fresh.start().wait_ready()
    taken = []
    for n in range(20):
        event = {"userId": "survivor", "event": "Product Viewed", "messageId": f"survivor-{n}",
                 "properties": {"product_id": "seat-oak-slow-close"}}  # fmt: skip
        answer = httpx.post(f"{fresh.url}/v1/track", json=event, auth=(fresh.keys["ingest"], ""))
        assert answer.status_code == 200
        taken.append(event["messageId"])
    fresh.kill()
    fresh.start().wait_ready()
    query = '{ customer(by: {userId: "survivor"}) { timeline(first: 100) { edges { node { id } } } } }'
    assert len(fresh.data(query)["customer"]["timeline"]["edges"]) == len(taken)


def run_hub(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hub", "run"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def one_sentence(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("tutti:")]
    return line


def test_a_port_that_is_taken_is_told_in_one_sentence(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ended = run_hub(TUTTI_PORT=str(port), TUTTI_DATA_DIR=str(tmp_path))
    assert f"127.0.0.1:{port}" in one_sentence(ended)
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_makes_no_sense_is_told_in_one_sentence(tmp_path):
    ended = run_hub(TUTTI_DEADLINE="-3", TUTTI_DATA_DIR=str(tmp_path))
    assert "TUTTI_DEADLINE" in one_sentence(ended)


def test_a_mongodb_that_does_not_answer_is_told_in_one_sentence(tmp_path):
    uri = f"mongodb://127.0.0.1:{free_port()}/?replicaSet=none"
    ended = run_hub(TUTTI_MONGODB_URI=uri, TUTTI_PORT=str(free_port()), TUTTI_DATA_DIR=str(tmp_path))
    assert "TUTTI_MONGODB_URI" in one_sentence(ended)


def test_a_hub_stopped_politely_leaves_no_server_behind(fresh):
    fresh.start().wait_ready()
    server = mongod_of(fresh)
    fresh.process.send_signal(signal.SIGINT)
    assert fresh.process.wait(timeout=30) == 0
    wait_until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, 20)


def test_the_embedded_server_lets_nobody_in_without_its_password(fresh):
    fresh.start().wait_ready()
    server = mongod_of(fresh)
    port = next(c.laddr.port for c in server.net_connections() if c.status == psutil.CONN_LISTEN)
    client = pymongo.MongoClient(
        f"mongodb://127.0.0.1:{port}/?directConnection=true", serverSelectionTimeoutMS=5000
    )
    with pytest.raises(pymongo.errors.OperationFailure), client:
        client["tutti"]["profiles"].find_one()
