"""Features beside one another, with names of labels to fit on and without.

    python tests/bench/vectors.py [--draws 6] [--json vectors.json] [--write]
    python tests/bench/vectors.py --embedding 2000 [--write]

Accuracy on all other rows, and certified coverage at 92 % agreement, of n labelled rows drawn at
random, for LSA, wordllama, both (which of them is used, and whether side by side, is decided out of
fold), and MiniLM: with names means that the names of the labels are offered as rows to fit on.
BANKING77 (needs ``TRACER_NB_DATA`` or ``../shared/data`` beside the checkout) and the bundled support
messages. The data set's own label stands for the teacher's.

The second line times the MiniLM encoder instead, on so many of BANKING77's texts: as they come, by
length, and kept beside a label store from the time before.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import CONFIDENCE, arguments, banking77, draw, machine, published, table

from tracer_nb.datasets import load
from tracer_nb.engine import ExtraRows, fit_router
from tracer_nb.engine.features import LsaFeatures, WordllamaFeatures
from tracer_nb.labelset import readable_labels

TARGET = 0.92
SIZES = (200, 500, 1000, 2000)


def model_folder() -> Path:
    """Where the MiniLM encoder lies, beside the data."""
    data = Path(os.environ.get("TRACER_NB_DATA", "../shared/data"))
    return data.parent / "models" / "all-MiniLM-L6-v2"


def sets() -> dict[str, tuple[np.ndarray, dict[str, list[np.ndarray]], dict[str, list]]]:
    """Labels, features of the rows, and features of the labels' names, of each data set."""
    X, y, texts = banking77()
    support = load("support")
    found = {}
    for name, labels, column in (
        ("BANKING77", y, texts),
        ("support", support["label"].to_numpy(dtype=object), support["text"].tolist()),
    ):
        said = list(readable_labels(sorted(set(labels))).values())
        lsa, static = LsaFeatures().fit(column), WordllamaFeatures()
        rows = [static.transform(column), lsa.transform(column)]
        names = [static.transform(said), lsa.transform(said)]
        blocks = {"LSA": [rows[1]], "wordllama": [rows[0]], "wordllama + LSA": rows}
        known = {"LSA": [names[1]], "wordllama": [names[0]], "wordllama + LSA": names}
        found[name] = (labels, blocks, known)
    minilm, folder = found["BANKING77"], model_folder()
    minilm[1]["MiniLM"] = [X]
    if folder.is_dir():
        from tracer_nb.engine.features import SentenceFeatures

        encoder, labels = SentenceFeatures(str(folder)), sorted(set(y))
        minilm[2]["MiniLM"] = [encoder.transform(list(readable_labels(labels).values()))]
        column = support["text"].tolist()
        other = found["support"]
        other[1]["MiniLM"] = [encoder.transform(column)]
        labels = sorted(set(other[0]))
        other[2]["MiniLM"] = [encoder.transform(list(readable_labels(labels).values()))]
    return found


def one(
    y: np.ndarray, X: list[np.ndarray], names: list[np.ndarray] | None, n: int, seed: int
) -> tuple[float, ...]:
    """Accuracy, certified coverage, whether below target, names taken, view, of one draw."""
    labelled, truth = draw(seed, n, len(y))
    offered = None if names is None else ExtraRows(names, np.array(sorted(set(y)), dtype=object))
    router = fit_router(
        [block[labelled] for block in X],
        y[labelled],
        names=offered,
        target=TARGET,
        confidence=CONFIDENCE,
        seed=seed,
    )
    routing = router.route([block[truth] for block in X])
    same, handled = routing.labels == y[truth], routing.handled
    below = handled.any() and same[handled].mean() < TARGET
    weights = router.fit.pipeline.view.weights
    return (
        same.mean(),
        router.certificate.coverage,
        float(below),
        float(router.fit.n_names > 0),
        float(len(weights) > 1 and weights[0] > 0),
        float(weights[0] == 0),
    )


def embedding(n: int) -> list[dict[str, object]]:
    """Seconds of CPU of the encoder."""
    from tracer_nb.engine.features import make_features
    from tracer_nb.store import VectorCache

    texts = list(dict.fromkeys(banking77()[2]))
    texts = [texts[i] for i in np.random.default_rng(0).permutation(len(texts))[:n]]
    spec = f"fastembed:{model_folder()}"
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        kept = make_features(spec, memory=VectorCache(Path(folder) / "labels.sqlite"))
        plain = make_features(spec)
        plain.transform(texts[:64])
        ways = {
            "as they come, 32 at a time": lambda: plain._embed(texts, 32),
            "by length, 32 at a time": lambda: plain.transform(texts),
            "by length, and kept": lambda: kept.transform(texts),
            "kept from before": lambda: kept.transform(texts),
        }
        first = None
        for way, call in ways.items():
            start = time.process_time()
            found = call()
            seconds = time.process_time() - start
            first = found if first is None else first
            rows.append(
                {
                    "way": way,
                    "CPU, s": f"{seconds:.2f}",
                    "texts a CPU second": f"{len(texts) / seconds:,.0f}",
                    "largest difference": f"{np.abs(found - first).max():.1e}",
                }
            )
    return rows


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--embedding", type=int, help="texts to time the encoder on")
    options = parser.parse_args()
    if options.embedding:
        with published("embedding", write=options.write):
            print(f"Machine: {machine()}. {options.embedding:,} texts.\n")
            print(table(embedding(options.embedding)))
        return
    rows: list[dict[str, object]] = []
    for data, (y, features, names) in sets().items():
        for n in SIZES:
            for name, X in features.items():
                for known in (None, names[name]) if name in names else (None,):
                    draws = [one(y, X, known, n, seed) for seed in range(options.draws)]
                    accuracy, coverage, below, taken, fused, second = np.array(draws).T
                    rows.append(
                        {
                            "data": data,
                            "n": n,
                            "features": name,
                            "names": "offered" if known is not None else "no",
                            "accuracy": float(accuracy.mean()),
                            "certified coverage": float(coverage.mean()),
                            "names taken": f"{int(taken.sum())}/{len(draws)}",
                            "fused, LSA alone": f"{int(fused.sum())}/{len(draws)}, {int(second.sum())}/{len(draws)}"
                            if len(X) > 1
                            else "",
                            "below target": f"{int(below.sum())}/{len(draws)}",
                        }
                    )
                    print(list(rows[-1].values()), flush=True, file=sys.stderr)
    with published("vectors", write=options.write):
        print(f"Machine: {machine()}. {options.draws} draws; target {TARGET}, δ = .1.\n")
        print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
