"""The service answers as the router in its file does, and says what it serves."""

from __future__ import annotations

import http.client
import json
import threading

import numpy as np
import pytest

import tracer_nb
from tests.unit.serve.running import JSON, serving
from tracer_nb.serve.gate import is_loopback
from tracer_nb.serve.limits import Limits
from tracer_nb.serve.metrics import PATHS
from tracer_nb.serve.openapi import DOCUMENT
from tracer_nb.serve.routers import parse_sources

NEW = ["where is my parcel, it was due on monday?", "please cancel order 12", "qwrtz ploink"]


@pytest.fixture(scope="module")
def alone(vector_file):
    with serving({"a": vector_file}) as running:
        yield running


def routed(path, column, **features):
    """Label, source, score and reason by the file itself."""
    saved = tracer_nb.load(path)
    saved.route(column, **features)
    found = saved.outcome
    return list(zip(found.label, found.source, found.score, found.reason, strict=True))


def test_vectors_are_answered_as_by_the_router_in_the_file(alone, vector_world, vector_file):
    X = vector_world.X[:300]
    expected = tracer_nb.load(vector_file).router.route(X)
    results = alone.results({"vectors": X.tolist()})
    handled = [result["source"] == "surrogate" for result in results]
    assert handled == expected.handled.tolist()
    assert 20 < sum(handled) < 280
    for result, label, score in zip(results, expected.labels, expected.scores, strict=True):
        assert set(result) == {"label", "source", "score", "reason"}
        assert result["score"] == pytest.approx(score, abs=1e-5)
        if result["source"] == "surrogate":
            assert result["label"] == label
            assert result["reason"].startswith("handled: score at least 0.")
        else:
            assert (result["label"], result["source"]) == (None, "deferred")
            assert result["reason"].endswith("; teacher not asked")
    single = [alone.results({"vector": x.tolist()}, "/predict")[0] for x in X[:20]]
    assert [r["source"] for r in single] == [r["source"] for r in results[:20]]
    assert [r["label"] for r in single] == [r["label"] for r in results[:20]]


def test_single_rows_that_come_together_get_each_its_own_answer(alone, vector_world):
    X = vector_world.X[:400]
    expected = alone.results({"vectors": X.tolist()})
    got = [None] * len(X)

    def client(rows):
        connection = http.client.HTTPConnection("127.0.0.1", alone.port, timeout=30)
        for row in rows:
            connection.request("POST", "/predict", json.dumps({"vector": X[row].tolist()}), JSON)
            got[row] = json.loads(connection.getresponse().read())["results"][0]
        connection.close()

    threads = [threading.Thread(target=client, args=[range(k, 400, 16)]) for k in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [g["source"] for g in got] == [e["source"] for e in expected]
    assert [g["label"] for g in got] == [e["label"] for e in expected]


def test_texts_are_answered_as_by_the_router_in_the_file(service, text_file, messages):
    column = [*NEW, *messages["text"][500:560]]
    expected = routed(text_file, column)
    results = service.results({"texts": column}, "/predict_batch?router=texts")
    for result, (label, source, score, reason) in zip(results, expected, strict=True):
        assert result["label"] == label
        assert result["source"] == (source or "deferred")
        assert result["score"] == pytest.approx(score, abs=1e-5)
        assert result["reason"] == reason
    assert {r["source"] for r in results} == {"surrogate", "deferred"}
    one = service.results({"text": column[0]}, "/predict?router=texts")
    assert one[0]["label"] == results[0]["label"]


def test_rows_without_text_say_so(service):
    body = {"texts": ["where is my parcel?", None, "  "]}
    results = service.results(body, "/predict_batch?router=texts")
    assert [r["reason"] for r in results[1:]] == ["missing text", "empty text"]
    assert [r["source"] for r in results[1:]] == [None, None]
    for text in (None, "", "\n"):
        (result,) = service.results({"text": text}, "/predict?router=texts")
        assert result["label"] is None
        assert result["reason"] in ("missing text", "empty text")
    assert service.results({"texts": []}, "/predict_batch?router=texts") == []
    assert service.results({"vectors": []}, "/predict_batch?router=vectors") == []


def test_several_routers_are_told_apart_by_name(service):
    status, said = service.post("/predict", {"text": "hello"})
    assert status == 400
    assert "?router=NAME, of: vectors, texts" in said["error"]
    status, said = service.post("/predict?router=text", {"text": "hello"})
    assert status == 404
    assert "'text'; there are: vectors, texts" in said["error"]
    for query in ("router=texts&router=vectors", "rooter=texts", "&".join("abcdefghijk")):
        status, said = service.post(f"/predict?{query}", {"text": "hello"})
        assert status == 400, query
        assert "?router=NAME" in said["error"]


def test_health_and_certificate_say_what_is_served(service, vector_file):
    status, said = service.get("/health")
    assert (status, said["status"]) == (200, "ok")
    about = said["routers"]["vectors"]
    certificate = tracer_nb.load(vector_file).certificate
    assert about["coverage"] == certificate.coverage
    assert about["vector"] == 3
    assert "reload_failed" not in about
    status, said = service.get("/certificate?router=vectors")
    assert status == 200
    assert said == certificate.to_dict()
    assert service.get("/certificate")[0] == 400


def test_metrics_count_requests_and_rows(vector_file, vector_world):
    with serving({"a": vector_file}) as running:
        running.results({"vectors": vector_world.X[:50].tolist()})
        running.post("/predict", b"no json")
        running.get("/no/such/path")
        status, page = running.get("/metrics")
    assert status == 200
    lines = dict(line.rsplit(" ", 1) for line in page.decode().splitlines() if line[0] != "#")
    assert lines['tracer_nb_requests_total{path="/predict_batch",status="200"}'] == "1.0"
    assert lines['tracer_nb_requests_total{path="/predict",status="400"}'] == "1.0"
    assert lines['tracer_nb_requests_total{path="other",status="404"}'] == "1.0"
    rows = {k: float(v) for k, v in lines.items() if k.startswith("tracer_nb_rows_total")}
    assert sum(rows.values()) == 50
    assert lines["tracer_nb_body_bytes_held"] == "0.0"


def test_the_document_describes_what_there_is(service):
    assert service.get("/openapi.json") == (200, json.loads(json.dumps(DOCUMENT)))
    assert set(DOCUMENT["paths"]) == set(PATHS)
    for path, methods in DOCUMENT["paths"].items():
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            status, _, headers = service.ask(method, path, {} if method != "GET" else None)
            assert (status == 405) == (method.lower() not in methods), (path, method)
            if status == 405:
                assert headers["allow"].split(", ")[0].lower() in methods
            else:
                assert str(status) in methods[method.lower()]["responses"]


def test_the_page_has_no_script_and_shows_every_path(service):
    status, page, headers = service.ask("GET", "/docs")
    assert status == 200
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert b"<script" not in page
    assert all(path.encode() in page for path in PATHS)


# --- who may ask ------------------------------------------------------------------------------

TOKEN = "correct horse battery staple"[:20].replace(" ", "-")


def test_a_token_is_needed_for_all_but_a_sign_of_life(vector_file, capfd):
    with serving({"a": vector_file}, token=TOKEN) as running:
        assert running.get("/health") == (200, {"status": "ok"})
        wrong = [
            {},
            *({"Authorization": a} for a in (TOKEN, f"Bearer {TOKEN}x", "Bearer ", "Bearer é")),
        ]
        for headers in wrong:
            for method, path in (
                ("GET", "/certificate"),
                ("GET", "/metrics"),
                ("POST", "/predict"),
            ):
                status, said, told = running.ask(method, path, None, headers)
                assert status == 401
                assert told["www-authenticate"] == "Bearer"
                assert TOKEN not in json.dumps(said)
        right = {"Authorization": f"Bearer {TOKEN}", "Host": "example.org"}
        assert running.ask("GET", "/health", None, right)[1]["routers"]
        assert running.post("/predict", {"vector": [1, 0, 0]}, **right)[0] == 200
    assert TOKEN not in "".join(capfd.readouterr())


def test_without_a_token_other_names_and_other_sites_are_refused(alone):
    body = {"vector": [1, 0, 0]}
    for host in ("example.org", "127.0.0.1.example.org", "10.0.0.1:80", "[::2]"):
        status, said = alone.post("/predict", body, Host=host)
        assert status == 403, host
        assert "without a token only this machine" in said["error"]
    for host in ("localhost:1", "127.0.0.1", "[::1]:80"):
        assert alone.post("/predict", body, Host=host)[0] == 200
    # What a page of another site may send without being asked.
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        status, said = alone.post("/predict", body, **{"Content-Type": kind})
        assert status == 415
        assert "application/json" in said["error"]


def test_loopback_is_this_machine_alone():
    assert not any(
        map(is_loopback, ("", "0.0.0.0", "::", "localhost.example.org", "127.0.0.1.nip.io"))
    )


# --- limits -----------------------------------------------------------------------------------


def test_what_is_above_a_limit_is_refused_with_the_limit(vector_file):
    limits = Limits(body=2000, batch=5, text=10)
    with serving({"a": vector_file}, limits=limits) as running:
        row = [1.0, 0.0, 0.0]
        assert len(running.results({"vectors": [row] * 5})) == 5
        status, said = running.post("/predict_batch", {"vectors": [row] * 6})
        assert (status, "limit of 5" in said["error"]) == (413, True)
        status, said = running.post("/predict", {"text": "x" * 11, "vector": row})
        assert (status, "limit of 10" in said["error"]) == (413, True)
        status, said = running.post("/predict", b" " * 2001)
        assert (status, "limit of 2,000 bytes" in said["error"]) == (413, True)
        # Without a length that is known before.
        chunks = b"".join(b"3e8\r\n" + b" " * 1000 + b"\r\n" for _ in range(3)) + b"0\r\n\r\n"
        head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        got = running.raw(
            head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks
        )
        assert got.startswith(b"HTTP/1.1 413")
        assert running.service._intake.held == 0


def test_limits_are_numbers_above_0():
    for bad in ({"batch": 0}, {"body": 1.5}, {"seconds": float("nan")}, {"text": True}):
        with pytest.raises(tracer_nb.errors.InvalidInput, match=f"limit on {next(iter(bad))}"):
            Limits(**bad)


# --- names of files ---------------------------------------------------------------------------


def test_routers_are_named_by_hand_or_by_their_file(tmp_path):
    assert list(parse_sources(["a=x.tracer", "y/b.tracer", "c"])) == ["a", "b", "c"]
    (tmp_path / "k=v.tracer").write_bytes(b"")
    with pytest.raises(tracer_nb.errors.InvalidInput, match="cannot be the name"):
        parse_sources([str(tmp_path / "k=v.tracer")])
    for wrong, why in (
        (["a=x", "a=y"], "two files are named 'a'"),
        (["a="], "names no file"),
        (["<b>=x"], "cannot be the name"),
    ):
        with pytest.raises(tracer_nb.errors.InvalidInput, match=why):
            parse_sources(wrong)


def test_a_vector_of_another_model_is_far_from_all_and_deferred(alone):
    (result,) = alone.results({"vector": [-1.0, -1.0, -1.0]}, "/predict")
    assert result["source"] == "deferred"
    assert result["reason"] == "deferred: unlike every labelled text; teacher not asked"
    status, said = alone.post("/predict", {"vector": list(np.ones(384))})
    assert status == 422
    assert "384 numbers" in said["error"]
    assert "vectors of 3" in said["error"]
