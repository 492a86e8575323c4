"""A file that changes takes the place of the router before it, and no request is lost."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.unit.serve.running import JSON, serving
from tracer_nb.__main__ import main
from tracer_nb.errors import InvalidInput
from tracer_nb.serve import routers

ROW = {"vector": [1.0, 0.0, 0.0]}


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(routers, "_PAUSE", 0.05)


@pytest.fixture
def file(vector_file, tmp_path):
    return shutil.copy(vector_file, tmp_path / "a.tracer")


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def health(running):
    return running.get("/health")[1]["routers"]["a"]


def replace(file, content):
    """As any careful writer does, and with another time even on a coarse clock."""
    other = file.with_name("other")
    other.write_bytes(content)
    os.utime(other, ns=(1, time.time_ns()))
    other.replace(file)


def test_no_request_is_lost_while_files_change(file, text_file):
    good = file.read_bytes()
    over, failures, n = threading.Event(), [], []

    def client(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not over.is_set():
            connection.request("POST", "/predict", json.dumps(ROW), JSON)
            response = connection.getresponse()
            said = response.read()
            n.append(1)
            if response.status != 200 or not json.loads(said)["results"]:
                failures.append(said)
        connection.close()

    with serving({"a": file}) as running:
        threads = [threading.Thread(target=client, args=[running.port]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for loads in (2, 3):
            replace(file, good)
            until(lambda loads=loads: health(running)["loads"] == loads)
        over.set()
        for thread in threads:
            thread.join(30)
        assert failures == []
        assert len(n) > 20
        # Another router, which takes texts: it is what answers from now on.
        before = health(running)["file"]
        replace(file, text_file.read_bytes())
        until(lambda: health(running)["file"] != before)
        assert running.results({"text": "where is my parcel?"}, "/predict")
        assert running.service.gate.n_open == 0


def test_a_broken_file_leaves_the_router_as_it_is_and_says_so(file, capfd):
    good = file.read_bytes()
    with serving({"a": file}) as running:
        before = health(running)
        for broken in (good[: len(good) // 2], b"", b"no router"):
            replace(file, broken)
            until(lambda: "reload_failed" in capfd.readouterr().err)
            assert "reload_failed" in health(running)
            assert running.results(ROW, "/predict")[0]["score"] is not None
        page = running.get("/metrics")[1].decode()
        assert "tracer_nb_reloads_failing 1.0" in page
        after = health(running)
        assert "a.tracer" in after.pop("reload_failed")
        assert after == before
        file.unlink()
        time.sleep(0.3)
        assert running.results(ROW, "/predict")
        replace(file, good)
        until(lambda: health(running)["loads"] == 2)
        assert "reload_failed" not in health(running)


def test_a_file_that_is_being_written_is_not_read_yet(file, capfd, monkeypatch):
    monkeypatch.setattr(routers, "_PAUSE", 1.0)  # longer than a busy machine takes for a part
    good = file.read_bytes()
    with serving({"a": file}) as running, file.open("r+b") as writing:
        writing.truncate(0)
        for start in range(0, len(good), len(good) // 20 + 1):
            writing.write(good[start : start + len(good) // 20 + 1])
            writing.flush()
            time.sleep(0.03)
        writing.close()
        until(lambda: health(running)["loads"] == 2)
    assert "reload_failed" not in capfd.readouterr().err


def test_what_cannot_be_loaded_at_first_is_refused(tmp_path):
    with pytest.raises(InvalidInput), serving({"a": tmp_path / "none.tracer"}):
        pass


# --- as a process -----------------------------------------------------------------------------


def started(*arguments, **environment):
    """The command, and its port once it serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tracer_nb", "serve", *map(str, arguments), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    line = process.stdout.readline()
    if not line:
        return process, None
    return process, int(line.split("http://127.0.0.1:")[1].split(",")[0])


def test_a_process_loads_again_when_told_and_answers_what_is_open_at_its_end(file):
    process, port = started(f"a={file}")
    try:
        process.send_signal(signal.SIGHUP)
        assert '"event":"reloaded"' in process.stderr.readline()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        # A request that is under way: its body ends after the signal.
        body = json.dumps(ROW).encode()
        connection.putrequest("POST", "/predict")
        for name, value in (JSON | {"Content-Length": str(len(body))}).items():
            connection.putheader(name, value)
        connection.endheaders(body[:5])
        while "tracer_nb_requests_open 2.0" not in _metrics(port):
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert json.loads(process.stderr.readline())["event"] == "ending"
        until(lambda: not listens(port))
        connection.send(body[5:])
        response = connection.getresponse()
        assert response.status == 200
        assert json.loads(response.read())["results"]
        connection.close()
        assert process.wait(30) == 0
        assert json.loads(process.stderr.read())["requests_open"] == 0
    finally:
        process.kill()
        process.communicate()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _metrics(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    said = connection.getresponse().read().decode()
    connection.close()
    return said


@pytest.mark.parametrize(
    ("arguments", "token", "why"),
    [
        (["--host", "0.0.0.0"], None, "needs a token; set TRACER_NB_TOKEN"),
        (["--host", "0.0.0.0"], "short-token", "16 or more"),
        (["--max-batch", "0"], None, "limit on batch must be a whole number above 0, got 0"),
        (["--max-body", "nan"], None, "--max-body must be megabytes above 0"),
        (["--host", "no.such.host.invalid"], "long-enough-a-token", "cannot listen on"),
        (["--port", "99999"], None, "--port must be a number from 0 to 65535, got 99999"),
    ],
)
def test_what_cannot_be_heeded_is_said_in_one_line(file, said_of, arguments, token, why):
    said = said_of(["serve", str(file), *arguments], token)
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert why in said
    assert "token" not in said or "-token" not in said


@pytest.fixture
def said_of(monkeypatch, capsys):
    """What a command says that ends at once."""

    def said(words, token):
        monkeypatch.delenv("TRACER_NB_TOKEN", raising=False)
        if token is not None:
            monkeypatch.setenv("TRACER_NB_TOKEN", token)
        assert main(words) == 1
        return capsys.readouterr().err

    return said
