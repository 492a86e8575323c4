"""A kernel that dies in the middle of a run loses no paid answer."""

import os
import signal

import pytest
from livekernel import CHECK, SET_UP, Kernels, job, put_world, run, stored, text_of, wait

from tracer_nb.standin import serve
from tracer_nb.steps.column.frames import read_texts
from tracer_nb.steps.column.sample import draw_rows

SAMPLE = 300
CONCURRENCY = 4


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_killed_kernel_loses_no_answer_and_asks_none_twice(world, tmp_path):
    put_world(world, tmp_path)
    path = tmp_path / ".tracer_nb" / "labels.sqlite"
    rows = draw_rows(read_texts(world.texts), SAMPLE, seed=0)
    sample = {world.texts[row] for row in rows}

    with serve(world.truth, latency=0.04) as standin, Kernels(tmp_path) as kernels:
        cell = job(standin.base_url, SAMPLE, CONCURRENCY)
        manager, client = kernels.start()
        run(client, SET_UP)
        client.execute(cell)
        wait(lambda: len(stored(path)) >= 40 or not manager.is_alive())
        os.kill(manager.provisioner.pid, signal.SIGKILL)
        wait(lambda: not manager.is_alive(), "the kernel does not die")
        kept, before = stored(path), standin.asked()
        assert 40 <= len(kept) < SAMPLE
        assert kept <= sample
        assert set(before.values()) == {1}

        _, client = kernels.start()
        run(client, SET_UP)
        outputs = run(client, cell)
        run(client, CHECK)
        after = standin.asked()

    # What was on disk was not asked again; what was asked twice had been under way.
    assert {text: after[text] for text in kept} == dict.fromkeys(kept, 1)
    assert sum(times > 1 for times in after.values()) <= CONCURRENCY
    assert sample <= stored(path)
    assert f"{len(kept):,} answers reused from the store" in text_of(outputs)
