"""The promise on redraws of BANKING77, whose own labels stand for the teacher's; long form only.

The truth is the rest of the 13,083 rows. ``tests/bench/banking77.py`` measures coverage there.
"""

from __future__ import annotations

import pytest

from .harness import end_to_end
from .worlds import banking77

DRAWS = 60


@pytest.mark.long
@pytest.mark.parametrize("n_labels", [500, 1000])
@pytest.mark.parametrize("target", [0.92, 0.95])
@pytest.mark.parametrize("certificate", ["held-out", "cross-fit"])
def test_promise_on_banking77(certificate, target, n_labels):
    """For new rows and for the column, both from the same fits."""
    source = banking77(n_labels)
    if source is None:
        pytest.skip(
            "needs BANKING77 with its MiniLM vectors, in the folder that TRACER_NB_DATA names or "
            "in ../shared/data"
        )
    result = end_to_end(source, DRAWS, target=target, certificate=certificate)
    print(f"banking77 {certificate} {target} {n_labels}: {result}")
    assert result.kept, result
    assert result.naive_new.coverage > result.new.coverage
