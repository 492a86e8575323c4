"""The same decisions on real local clusters of Dask, Spark and Ray; nobody is asked there."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest

from files.rows import outputs, read
from tracer_nb import scale
from tracer_nb.datasets import load
from tracer_nb.errors import InvalidInput
from tracer_nb.standin.teacher import StandInTeacher
from tracer_nb.steps.files.drain import drain
from tracer_nb.steps.files.merge import merge_file
from tracer_nb.steps.files.step import route_file

pytestmark = [
    # One after another: each takes all the cores it can get.
    pytest.mark.xdist_group("clusters"),
    # Theirs, of threads and sockets that they leave to the end of the process.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def queued(router, messages, tmp_path_factory):
    """How many texts wait when one machine has routed the rows."""
    folder = tmp_path_factory.mktemp("alone")
    messages.to_parquet(folder / "in.parquet")
    store = folder / "labels.sqlite"
    done = route_file(
        folder / "in.parquet", router, folder / "out.parquet", column="text", store=store
    )
    return done.n_waiting


@pytest.fixture
def case(router, messages, expected, queued, tmp_path):
    """Rows, what one machine says of them, and a stand-in that gets no request from workers."""
    labels = sorted(load("support")["label"].unique())
    standin = StandInTeacher("support", labels, "").standin
    before = sum(standin.asked().values())
    yield SimpleNamespace(
        router=router, rows=messages, expected=expected, queued=queued, store=tmp_path / "s.sqlite"
    )
    assert sum(standin.asked().values()) == before


def in_order(frame):
    return frame.sort_values("n", kind="stable").reset_index(drop=True)


def check(frame, case):
    """Every row as on one machine, and the other columns as they were."""
    found = in_order(frame)
    assert outputs(found) == outputs(case.expected)
    assert found["n"].tolist() == case.rows["n"].tolist()
    assert found["note"].tolist() == case.rows["note"].tolist()


def test_dask(case):
    dd = pytest.importorskip("dask.dataframe", reason="needs the extra 'dask'")
    from distributed import Client, LocalCluster

    frame = dd.from_pandas(case.rows, npartitions=4)
    with pytest.raises(InvalidInput, match="no column 'txet'; did you mean 'text'"):
        scale.route_dask(frame, case.router, column="txet")
    how = {"processes": True, "dashboard_address": None, "worker_dashboard_address": None}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, **how) as cluster,
        Client(cluster) as client,
    ):
        routed = scale.route_dask(frame, case.router)
        assert list(routed.columns) == [*case.rows.columns, *case.expected.columns[1:]]
        check(routed.compute(), case)
        kept = client.run(lambda: [id(rows) for rows in scale._kept.values()])
        assert all(len(ids) == 1 for ids in kept.values())
        assert scale.queue_deferred(routed, case.router, store=case.store) == case.queued
        # The same router again is not loaded again.
        scale.route_dask(frame, case.router).compute()
        assert client.run(lambda: [id(rows) for rows in scale._kept.values()]) == kept


def test_dask_without_a_cluster_and_from_its_files(router, messages, expected, tmp_path):
    dd = pytest.importorskip("dask.dataframe", reason="needs the extra 'dask'")
    store = tmp_path / "s.sqlite"
    frame = dd.from_pandas(messages, npartitions=3)
    out = tmp_path / "out"
    scale.route_dask(frame, router).to_parquet(
        out, write_index=False, compute_kwargs={"scheduler": "sync"}
    )
    waiting = scale.queue_deferred(read(out), router, store=store)
    assert drain(router, store=store, max_cost=5.0).n_waiting == 0
    merged = merge_file(out, router, column="text", store=store)
    assert merged.n_open == 0
    assert merged.n_filled >= waiting
    found = in_order(read(out))
    assert (found["label_source"] == "teacher").sum() == merged.n_filled
    handled = expected["label_source"] == "surrogate"
    assert found["label"][handled].tolist() == expected["label"][handled].tolist()


def test_spark(case):
    sql = pytest.importorskip("pyspark.sql", reason="needs the extra 'spark'")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("needs Java: apt-get install default-jre-headless")
    options = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
    }
    builder = sql.SparkSession.builder.master("local[1]")
    for name, value in options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        rows = case.rows.astype(object).where(case.rows.notna(), None)
        frame = spark.createDataFrame(rows.to_dict("records")).repartition(2)
        with pytest.raises(InvalidInput, match="no column 'txet'; did you mean 'text'"):
            scale.route_spark(frame, case.router, column="txet")
        routed = scale.route_spark(frame, case.router).cache()
        assert dict(routed.dtypes)["label_score"] == "double"
        check(routed.toPandas(), case)
        assert scale.queue_deferred(routed, case.router, store=case.store) == case.queued
        assert scale.route_spark(frame.limit(0), case.router).count() == 0
    finally:
        spark.stop()


def test_ray(case):
    ray = pytest.importorskip("ray", reason="needs the extra 'ray'")
    ray.init(
        num_cpus=1,
        include_dashboard=False,
        object_store_memory=200_000_000,
        logging_level="ERROR",
        log_to_driver=False,
    )
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        dataset = ray.data.from_pandas(case.rows).repartition(3)
        routed = scale.route_ray(dataset, case.router).materialize()
        check(routed.to_pandas(), case)
        assert scale.queue_deferred(routed, case.router, store=case.store) == case.queued
    finally:
        ray.shutdown()


def test_a_router_is_read_once_a_process(router, monkeypatch):
    monkeypatch.setattr(scale, "_kept", {})
    asked_for = []

    def data():
        asked_for.append(1)
        return router.read_bytes()

    first = scale._router_of(data, "digest", None)
    assert scale._router_of(data, "digest", None) is first
    assert len(asked_for) == 1
    for n in range(6):
        scale._router_of(data, f"other {n}", None)
    assert len(scale._kept) == 4


def test_a_frame_of_nothing_and_one_that_was_not_routed(router, messages, tmp_path):
    store = tmp_path / "s.sqlite"
    with pytest.raises(InvalidInput, match="expected a routed frame of Dask, Spark, Ray or pandas"):
        scale.queue_deferred(3, router, store=store)
    with pytest.raises(InvalidInput, match="has no column 'label_reason'; route it first"):
        scale.queue_deferred(messages, router, store=store)
    assert not store.exists()


def test_where_everything_is_deferred_nothing_waits(router, tmp_path):
    low, *for_all = (
        "deferred: score below 0.4; teacher not asked",
        "deferred: nothing was certified; teacher not asked",
        "deferred: an audit raised an alarm; teacher not asked",
    )
    frame = pd.DataFrame({"text": ["a", "b", "c"], "label_reason": [low, *for_all]})
    assert scale.queue_deferred(frame, router, store=tmp_path / "s.sqlite") == 1
