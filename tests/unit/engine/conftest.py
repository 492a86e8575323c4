from __future__ import annotations

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """The matrices here are small: handing work between threads takes longer than the work."""
    with threadpool_limits(1):
        yield
