"""The chain of a router from a file: whom it needs to hear, and what was heard."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NO_LABEL, UNASKED
from tracer_nb.draws.opinions import Opinions
from tracer_nb.engine import Router
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Caps, Certificate, Routing, Spending
from tracer_nb.steps.column.features import Blocks
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import OnProgress
from tracer_nb.steps.label.stages import Stages, make_stages
from tracer_nb.steps.route.chain import chain_routing, heard_routing, opinions_on, used_stages
from tracer_nb.steps.state import JobState
from tracer_nb.store import Shelf
from tracer_nb.teachers import Teacher

__all__ = ["SavedChain", "StageAnswers", "load_chain", "saved_stages"]

StageAnswers = Mapping[str, Any]
"""By a stage's name what it said."""

# Probabilities that add up to less, or more, are no distribution.
_ROUNDING = 0.01


def saved_stages(state: JobState) -> list[dict[str, Any]]:
    """What a file keeps of the stages that a job's router hears: no key, no address of one."""
    grown = state.grown
    if grown is None or grown.job.opinions is None:
        return []
    stages, soft = state.setup.stages, grown.job.opinions.soft
    return [
        {
            "name": stages.askers[s].teacher.name,
            "identity": dict(stages.askers[s].teacher.identity),
            "price": grown.job.terms.prices[s],
            "soft": soft[s] is not None,
        }
        for s in used_stages(state.in_force().router)
    ]


class SavedChain:
    """Routes by the frozen rule of a chain.

    Parameters
    ----------
    router : Router
        Of a chain.
    about : mapping
        Of its file.
    stages : Stages or None
        Those that can be asked, in the file's order; None where none was named on loading.
    """

    def __init__(self, router: Router, about: Mapping[str, Any], stages: Stages | None) -> None:
        self._router, self._stages = router, stages
        self._told = list(about["chain"])
        self._labels = tuple(about["labels"])

    @property
    def names(self) -> list[str]:
        """Of its stages, in the order in which they are heard."""
        return [stage["name"] for stage in self._told]

    @property
    def spending(self) -> Spending:
        """What its stages took since :meth:`begin`."""
        return Spending() if self._stages is None else self._stages.spending

    def begin(self) -> None:
        """Count money anew."""
        if self._stages is not None:
            self._stages.begin(anew=True)

    def routing(
        self,
        certificate: Certificate,
        X: Blocks,
        given: StageAnswers | None,
        texts: Texts | None = None,
    ) -> Routing:
        """Who answers rows, by what was given and what is stored; nobody is asked.

        Parameters
        ----------
        certificate : Certificate
        X : blocks of shape (n, d)
        given : mapping of str to sequence, or None
            By a stage's name what it said of each row.
        texts : Texts, optional
            Whose distinct texts X is about; without them the rows are.
        """
        blocks = X if isinstance(X, (list, tuple)) else [X]
        n = int(np.shape(blocks[0])[0]) if texts is None else len(texts.unique)
        if self._stages is None or texts is None:
            codes = np.full((len(self._told), n), UNASKED, dtype=np.intp)
            opinions = Opinions(codes, (None,) * len(codes))
        else:
            opinions = self._stages.opinions(texts.unique, self._labels)
        opinions = self._with(opinions, given or {}, np.arange(n) if texts is None else texts.codes)
        said = opinions_on(self._router, opinions, used_stages(self._router), self._labels)
        return chain_routing(self._router, certificate, blocks, said, self.names)[0]

    def hear(
        self,
        certificate: Certificate,
        texts: Texts,
        X: Blocks,
        *,
        caps: Caps,
        on_progress: OnProgress | None,
        stop: threading.Event | None = None,
    ) -> tuple[Routing, bool]:
        """The same, when the stages named on loading are asked about the rows that need them.

        Returns
        -------
        Routing
        bool
            Whether the hearing was interrupted.
        """
        if self._stages is None:
            return self.routing(certificate, X, None, texts), False
        rule = self._router, certificate, self._stages, texts, X
        told: dict[str, Any] = {"caps": caps, "on_progress": on_progress, "stop": stop}
        return heard_routing(*rule, labels=self._labels, **told)

    def _with(self, opinions: Opinions, given: StageAnswers, codes: NDArray[np.intp]) -> Opinions:
        """Opinions with what was given, row by row, about texts of these codes."""
        said, soft = opinions.codes.copy(), list(opinions.soft)
        for name, each in given.items():
            if name not in self.names:
                raise InvalidInput(
                    f"stages holds {name!r:.60}, and those of this router are: "
                    f"{', '.join(self.names) or 'none'}"
                )
            if isinstance(each, str) or not hasattr(each, "__len__") or len(each) != len(codes):
                raise InvalidInput(
                    f"stages[{name!r}] must have one entry for each of the {len(codes):,} rows, None "
                    "where it was not asked"
                )
            s = self.names.index(name)
            for code, value in zip(codes.tolist(), each, strict=True):
                if code < 0 or value is None:
                    continue
                said[s, code], own = self._read(s, value)
                if own is not None:
                    before = soft[s]
                    if before is None:
                        shape = said.shape[1], len(self._labels)
                        before = soft[s] = np.full(shape, np.nan, dtype=np.float32)
                    before[code] = own
        return Opinions(said, tuple(soft))

    def _read(self, s: int, value: Any) -> tuple[int, NDArray[np.float32] | None]:
        """A stage's answer as the code of a label, and its distribution."""
        name, known = self.names[s], self._labels
        odd = [value] if not isinstance(value, Mapping) else [k for k in value if k not in known]
        if isinstance(value, Mapping) and value and not odd:
            own = np.array([float(value.get(label, 0.0)) for label in known], dtype=np.float32)
            if not (own >= 0).all() or abs(float(own.sum()) - 1.0) > _ROUNDING:
                raise InvalidInput(
                    f"stages[{name!r}] holds probabilities that add up to {float(own.sum()):.3g}; give "
                    "one for each label that can be, 1 in all"
                )
            return int(own.argmax()), own
        if value == "":
            return NO_LABEL, None
        if not isinstance(value, str) or value not in known:
            raise InvalidInput(
                f"stages[{name!r}] says {odd[0] if odd else value!r:.60}, which is none of the labels; "
                f"the first of them is {known[0]!r}"
            )
        if self._told[s]["soft"]:
            raise InvalidInput(
                f"{name} gave probabilities when its answers were weighed, and so must it now: "
                f"stages={{{name!r}: {{label: probability}}}}"
            )
        return known.index(value), None


def load_chain(
    router: Router,
    about: Mapping[str, Any],
    chain: Any,
    *,
    teacher: Teacher | None,
    options: Mapping[str, Any],
    shelf: Shelf,
) -> SavedChain | None:
    """The chain of a loaded router; None where it has none.

    Parameters
    ----------
    router : Router
    about : mapping
        Of its file.
    chain : as in :class:`tracer_nb.Tracer`, or None
        Stages that may be asked.
    teacher : Teacher or None
        Named on loading.
    options : mapping
        Of the teacher.
    shelf : Shelf

    Raises
    ------
    InvalidInput
        Other stages than the router's, or no teacher behind them.
    """
    if router.fit.pooled is None:
        if chain is not None:
            raise InvalidInput("this router was fitted without a chain; leave chain out")
        return None
    names = [stage["name"] for stage in about["chain"]]
    if chain is None:
        return SavedChain(router, about, None)
    if teacher is None:
        raise InvalidInput(
            "a chain is heard before a teacher; name it too: load(path, teacher=…, chain=…)"
        )
    made = make_stages(*(chain, teacher, about["prompt"], options, shelf), labelling="hard-first")
    named = {asker.teacher.name: asker.teacher for asker in made.askers}
    if set(named) != set(names) or len(named) != len(made.askers):
        raise InvalidInput(
            f"chain names {', '.join(named)}, and this router hears {', '.join(names) or 'nobody'}; its "
            "promise is about just these: name them all, and no other"
        )
    return SavedChain(router, about, Stages([named[name] for name in names], shelf))
