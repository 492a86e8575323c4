"""What ``/metrics`` counts, for Prometheus."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tracer_nb.records import Prediction

__all__ = ["PATHS", "Metrics"]

PATHS = (
    "/predict",
    "/predict_batch",
    "/health",
    "/certificate",
    "/metrics",
    "/openapi.json",
    "/docs",
)
"""What is served; others are counted together."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counters of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "tracer_nb_requests", "Requests.", ["path", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "tracer_nb_request_seconds",
            "From a request's headers to the end of its response.",
            ["path"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._rows = Counter(
            "tracer_nb_rows",
            "Rows by router and by who answered: surrogate, teacher, deferred, abstained, none.",
            ["router", "source"],
            registry=self.registry,
        )
        # Looked up by their labels once, not at every request.
        self._known: dict[tuple[str, ...], Counter] = {}
        self._timers = {path: self._seconds.labels(path) for path in (*PATHS, "other")}

    def gauge(self, name: str, about: str) -> Gauge:
        """A number that goes up and down."""
        return Gauge(f"tracer_nb_{name}", about, registry=self.registry)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request; status 0 is one whose client has gone."""
        path = path if path in self._timers else "other"
        key = ("", path, str(status))
        counter = self._known.get(key)
        if counter is None:
            counter = self._known[key] = self._requests.labels(path, str(status))
        counter.inc()
        self._timers[path].observe(seconds)

    def rows(self, router: str, results: Sequence[Prediction]) -> None:
        """Count rows that were decided about."""
        tally = {results[0].source: 1} if len(results) == 1 else Tally(r.source for r in results)
        for source, n in tally.items():
            key = (router, source or "none")
            counter = self._known.get(key)
            if counter is None:
                counter = self._known[key] = self._rows.labels(*key)
            counter.inc(n)

    def page(self) -> bytes:
        """The page, in the text format."""
        return bytes(generate_latest(self.registry))
