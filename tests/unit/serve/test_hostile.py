"""What comes from clients that are broken or hostile: nothing hangs, and every refusal says why."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
import string
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.serve.running import serving
from tests.unit.serve.test_reload import until
from tracer_nb.serve import connections
from tracer_nb.serve.limits import Limits

quick = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HEAD = b"POST /predict?router=vectors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
REFUSALS = {400, 404, 405, 413, 415, 422, 431, 503, 504}


def is_refusal(status, said):
    """One line that says why."""
    assert status in REFUSALS, (status, said)
    assert set(said) == {"error"}
    assert said["error"].strip()
    assert "\n" not in said["error"]
    assert len(said["error"]) < 1000
    return True


def is_answer(said, n=None):
    results = said["results"]
    assert n is None or len(results) == n
    for result in results:
        assert set(result) == {"label", "source", "score", "reason"}
        assert result["label"] is not None or result["reason"]
    return True


# --- bodies -----------------------------------------------------------------------------------

numbers = st.one_of(
    st.floats(width=64), st.integers(-(10**400), 10**400), st.sampled_from([1e39, -0.0, 5e-324])
)
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
keys = st.sampled_from(["text", "vector", "texts", "vectors", "cells", "Text", "embedding", ""])


@quick
@given(
    path=st.sampled_from(["/predict", "/predict_batch"]),
    body=st.dictionaries(keys, anything, max_size=3),
)
def test_any_json_is_answered_or_refused(service, path, body):
    for router in ("vectors", "texts"):
        status, said = service.post(f"{path}?router={router}", json.dumps(body).encode())
        assert is_answer(said) if status == 200 else is_refusal(status, said)


@quick
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused(service, body):
    status, said = service.post("/predict?router=texts", body)
    assert is_refusal(status, said)


@quick
@given(vectors=st.lists(st.lists(numbers, max_size=5), max_size=4))
def test_vectors_of_any_width_and_value(service, vectors):
    status, said = service.post("/predict_batch?router=vectors", {"vectors": vectors})
    if status == 200:
        assert is_answer(said, len(vectors))
        assert all(len(vector) == 3 for vector in vectors)
    else:
        assert is_refusal(status, said)


@quick
@given(
    texts=st.lists(
        st.none() | st.text(st.characters(exclude_categories=[]), max_size=60), max_size=4
    )
)
def test_texts_of_any_characters(service, texts):
    status, said = service.post("/predict_batch?router=texts", {"texts": texts})
    half = any("\ud800" <= char <= "\udfff" for text in texts for char in text or "")
    if half:  # which no JSON in UTF-8 can hold
        assert is_refusal(status, said)
    else:
        assert (status, is_answer(said, len(texts))) == (200, True)


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "a\0b",
        "<script>alert(1)</script>",
        "=1+1",
        "@SUM(A1)",
        "\u202e\ufeff\u0000",
        "{{text}}",
        "x" * 20_000,
    ],
    ids=["nul", "nul inside", "html", "formula", "at", "marks", "braces", "long"],
)
def test_a_cell_is_data_whatever_it_says(service, text):
    for path, body in (("/predict", {"text": text}), ("/predict_batch", {"texts": [text]})):
        assert is_answer({"results": service.results(body, f"{path}?router=texts")}, 1)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"text": "\\ud800"}', "surrogate"),
        (b'{"vector": [NaN, 0, 0]}', "JSON is malformed"),
        (b'{"vector": [Infinity, 0, 0]}', "JSON is malformed"),
        (b'{"vector": [1e400, 0, 0]}', "out of range"),
        (b'{"vector": [1e39, 0, 0]}', "beyond 3e38"),
        (b'{"vector": ["1", 0, 0]}', "Expected `float`, got `str`"),
        (b'{"text": "\xff"}', "UTF-8"),
        (b'{"texts": ["a"]}', "unknown field `texts`"),
        (b"{}", 'neither of "text" and a "vector"'),
        (b"", "Input data was truncated"),
        (b"[" * 200_000, "Expected `object`, got `array`"),
        (b'{"cells": ' + b'{"a":' * 100_000, "Expected"),
    ],
)
def test_what_is_wrong_is_said(service, body, why):
    status, said = service.post("/predict?router=vectors", body)
    assert is_refusal(status, said)
    assert why in said["error"]


def test_texts_and_vectors_go_to_routers_that_take_them(service):
    status, said = service.post("/predict?router=vectors", {"text": "hello"})
    assert is_refusal(status, said)
    assert "fitted on features of your own" in said["error"]
    status, said = service.post("/predict?router=vectors", {"vector": [0.1] * 384})
    assert is_refusal(status, said)
    assert "vectors of 3" in said["error"]
    status, said = service.post(
        "/predict_batch?router=vectors", {"texts": ["a"], "vectors": [[1, 0, 0], [1, 0, 0]]}
    )
    assert is_refusal(status, said)
    assert "1 texts and 2 vectors" in said["error"]
    # Thousands of them would take minutes to be put into a table.
    body = {"text": "a", "cells": {f"c{i}": "x" for i in range(200_000)}}
    status, said = service.post("/predict?router=texts", body)
    assert (status, is_refusal(status, said)) == (422, True)
    assert "the columns that the prompt names are: none" in said["error"]
    body = {"texts": ["a"], "cells": {"<b>": ["x", "y"]}}
    status, said = service.post("/predict_batch?router=texts", body)
    assert is_refusal(status, said)


def test_a_text_of_10_mb_is_refused_and_many_of_them_stay_below_a_bound(service):
    body = json.dumps({"text": "x" * 10_000_000}).encode()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failures = []

    def client():
        for _ in range(3):
            status, said = service.post("/predict?router=texts", body)
            if status not in (413, 503) or "limit" not in said["error"] + "limit" * (status == 503):
                failures.append(said)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert service.service._intake.held == 0
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 600_000 * (1 if sys.platform != "darwin" else 1024)  # kB; clients' part included


def test_bodies_that_are_held_at_one_time_are_bounded(vector_file):
    limits = Limits(body=10_000, seconds=20)
    half = HEAD.replace(b"vectors", b"a") + b"Content-Length: 10000\r\n\r\n" + b" " * 9000
    with serving({"a": vector_file}, limits=limits) as running, contextlib.ExitStack() as stack:
        for _ in range(8):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), 20))
            sock.sendall(half)
        while running.service._intake.held < 72_000:
            time.sleep(0.01)
        status, said = running.post("/predict", b" " * 9000)
        assert (status, "too many large requests" in said["error"]) == (503, True)
        assert running.post("/predict", {"vector": [1, 0, 0]})[0] == 200


# --- connections ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 100 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_the_same_form(service, data):
    got = service.raw(data)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 4"), got
    assert is_refusal(int(head.split()[1]), json.loads(body))


@pytest.mark.parametrize(
    "endless",
    [
        b"X-Filler: " + b"x" * 5000 + b"\r\n",  # headers
        b"x" * 5000,  # one header
    ],
)
def test_a_head_without_end_is_refused(service, endless):
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as sock:
        sock.sendall(HEAD)
        got = b""
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                sock.sendall(endless)
            got = sock.recv(65536)
    # The refusal, or an end of the connection before it could be read.
    assert got == b"" or got.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


def test_trailers_without_end_are_refused(service):
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as sock:
        sock.sendall(data)
        n = 0
        with contextlib.suppress(ConnectionError):
            for n in range(20_000):  # noqa: B007  told below
                sock.sendall(b"X-Trailer: " + b"x" * 5000 + b"\r\n")
    assert n < 19_999


def test_slow_clients_are_told_or_closed_and_hold_up_nobody(vector_file, monkeypatch):
    monkeypatch.setattr(connections, "_IDLE", 1.0)
    limits = Limits(seconds=1.0)
    with serving({"a": vector_file}, limits=limits) as running:
        socks = [socket.create_connection(("127.0.0.1", running.port), 30) for _ in range(60)]
        for i, sock in enumerate(socks):  # silent, in the head, and in the body
            if i % 3:
                sock.sendall(HEAD.replace(b"vectors", b"a"))
            if i % 3 == 2:
                sock.sendall(b"Content-Length: 100\r\n\r\n{")
        # A busy machine may need more than one second for one.
        until(lambda: running.post("/predict", {"vector": [1, 0, 0]})[0] == 200)
        for i, sock in enumerate(socks):
            with contextlib.suppress(ConnectionError):
                got = sock.recv(65536)
                if i % 3 == 2:
                    assert got.startswith(b"HTTP/1.1 504")
                else:
                    assert got == b""
            sock.close()
        assert running.service.gate.n_open == 0


def test_a_client_that_takes_no_response_is_closed(vector_file, monkeypatch):
    monkeypatch.setattr(connections, "_GRACE", 0.5)
    body = json.dumps({"vectors": [[1.0, 0.0, 0.0]] * 4000}).encode()
    head = HEAD.replace(b"predict?router=vectors", b"predict_batch")
    data = (head + b"Content-Length: %d\r\n\r\n" % len(body) + body) * 40
    with serving({"a": vector_file}, limits=Limits(seconds=1.0)) as running:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", running.port))
            sock.settimeout(30)
            with contextlib.suppress(ConnectionError):
                sock.sendall(data)  # until nobody reads it any more
                time.sleep(0.1)
            end = time.monotonic() + 30
            while running.server.server_state.connections:
                assert time.monotonic() < end
                time.sleep(0.05)
        until(lambda: running.post("/predict", {"vector": [1, 0, 0]})[0] == 200)


def test_a_thousand_connections_are_answered(vector_file):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2500:
        if hard != resource.RLIM_INFINITY and hard < 2500:
            pytest.skip(f"this process may open {hard} files, the test needs 2,500")
        resource.setrlimit(resource.RLIMIT_NOFILE, (2500, hard))
    body = json.dumps({"vector": [1.0, 0.0, 0.0]}).encode()
    request = (
        HEAD.replace(b"?router=vectors", b"") + b"Content-Length: %d\r\n\r\n" % len(body) + body
    )

    async def client(port, ready, go):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        ready.release()
        await go.wait()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return int(head.split()[1])

    async def all_of_them(port):
        go, ready = asyncio.Event(), asyncio.Semaphore(0)
        tasks = [asyncio.create_task(client(port, ready, go)) for _ in range(1000)]
        for _ in tasks:
            await ready.acquire()
        go.set()
        return await asyncio.wait_for(asyncio.gather(*tasks), 60)

    with serving({"a": vector_file}) as running:
        statuses = asyncio.run(all_of_them(running.port))
        assert statuses == [200] * 1000
        assert running.service.gate.n_open == 0


def test_more_than_may_be_open_are_told_so(vector_file):
    with serving({"a": vector_file}, limits=Limits(requests=3, seconds=20)) as running:
        half = HEAD.replace(b"?router=vectors", b"") + b"Content-Length: 100\r\n\r\n{"
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                sock = stack.enter_context(
                    socket.create_connection(("127.0.0.1", running.port), 20)
                )
                sock.sendall(half)
            while running.service.gate.n_open < 3:
                time.sleep(0.01)
            status, said, headers = running.ask("POST", "/predict", {"vector": [1, 0, 0]})
            assert (status, headers["retry-after"]) == (503, "1")
            assert "3 requests are open" in said["error"]


@quick
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "HEAD", "TRACE", "BREW"]),
    path=st.text(string.ascii_letters + string.digits + "/._-%?&=;+*", max_size=40),
)
def test_any_path_and_method(service, method, path):
    if method == "HEAD":
        path = "health"
    got = service.raw(
        f"{method} /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, body = got.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if status != 200:
        assert is_refusal(status, json.loads(body))
