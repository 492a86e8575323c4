"""What soft labels gain: a teacher with known noise, its hard answers against its distribution.

    python tests/bench/distillation.py [--draws 20]

BANKING77 with MiniLM vectors. The simulated teacher answers the data set's own label with
probability 1 - noise and else one of the three labels whose mean vectors lie nearest to it. Its
answer is drawn from this distribution and recorded once; the certificate is about that answer.
"Hard" imitates the recorded answers alone, "votes" five more answers of the same teacher to each
row, "soft" its distribution, as logprobs would give it. Agreement is with a fresh answer of the
teacher on rows that were not labelled, so that it cannot exceed the teacher's agreement with
itself; accuracy is against the data set's label.
"""

from __future__ import annotations

import sys

import numpy as np
from common import CONFIDENCE, arguments, banking77, machine, published, table

from tracer_nb.engine import fit_router
from tracer_nb.engine.zoo import unit_rows


def distributions(X: np.ndarray, codes: np.ndarray, noise: float) -> np.ndarray:
    """The teacher's probabilities (n, K)."""
    K = codes.max() + 1
    means = unit_rows(np.stack([X[codes == k].mean(axis=0) for k in range(K)]))
    similarity = means @ means.T
    np.fill_diagonal(similarity, -1.0)
    near = np.argsort(-similarity, axis=1)[:, :3]
    P = np.zeros((len(codes), K))
    P[np.arange(len(codes)), codes] = 1.0 - noise
    for j in range(3):
        P[np.arange(len(codes)), near[codes, j]] += noise / 3
    return P


def answers(P: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One answer a row."""
    return (rng.random(len(P))[:, None] < P.cumsum(axis=1)).argmax(axis=1)


def one(
    X: np.ndarray, codes: np.ndarray, P: np.ndarray, *, n: int, seed: int, target: float
) -> dict[str, tuple[float, ...]]:
    """Certified coverage, agreement and accuracy of the three ways to imitate, on one draw."""
    rng = np.random.default_rng([seed, 9])
    order = rng.permutation(len(codes))
    labelled, others = order[:n], order[n:]
    recorded, again = answers(P, rng), answers(P, rng)
    votes = np.zeros_like(P)
    for _ in range(5):
        votes[np.arange(len(P)), answers(P, rng)] += 0.2
    present = np.unique(recorded[labelled])
    result: dict[str, tuple[float, ...]] = {}
    for name, distribution in (("hard", None), ("votes", votes), ("soft", P)):
        soft = None
        if distribution is not None:
            soft = distribution[labelled][:, present]
            total = soft.sum(axis=1, keepdims=True)
            soft = np.where(total > 0, soft / np.where(total > 0, total, 1), np.nan)
        router = fit_router(
            X[labelled],
            recorded[labelled],
            soft_labels=soft,
            target=target,
            confidence=CONFIDENCE,
            seed=seed,
        )
        routing = router.route(X[others])
        handled = routing.handled
        result[name] = (
            router.certificate.coverage,
            (routing.labels == again[others]).mean(),
            (routing.labels == codes[others]).mean(),
            float(handled.any() and (routing.labels == again[others])[handled].mean() < target),
        )
    return result


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--draws", type=int, default=20)
    options = parser.parse_args()
    X, y, _ = banking77()
    codes = np.unique(y, return_inverse=True)[1]
    rows: list[dict[str, object]] = []
    for noise, target in ((0.05, 0.90), (0.15, 0.80)):
        P = distributions(X, codes, noise)
        for n in (1000, 3000):
            draws = [
                one(X, codes, P, n=n, seed=seed, target=target) for seed in range(options.draws)
            ]
            for name in ("hard", "votes", "soft"):
                coverage, agreement, accuracy, broken = np.array([d[name] for d in draws]).T
                rows.append(
                    {
                        "noise": f"{noise:.2f}",
                        "n": n,
                        "target": f"{target:.2f}",
                        "imitated": name,
                        "certified coverage": float(coverage.mean()),
                        "agreement on all rows": float(agreement.mean()),
                        "accuracy": float(accuracy.mean()),
                        "below target": f"{int(broken.sum())}/{len(draws)}",
                    }
                )
            print(".", end="", flush=True, file=sys.stderr)
    with published("distillation", write=options.write):
        print(f"Machine: {machine()}. Simulated teacher.\n")
        print(table(rows))


if __name__ == "__main__":
    main()
