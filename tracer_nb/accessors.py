"""``df.text.tracer.run(…)`` and ``.route(router)``, for columns of pandas and polars.

``%load_ext tracer_nb`` registers them, for libraries that are imported later too; without a
notebook :func:`register_accessors` does. Neither imports a dataframe library.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from typing import TYPE_CHECKING, Any

from tracer_nb.errors import InvalidInput

if TYPE_CHECKING:
    from types import ModuleType

    from tracer_nb.steps.route.saved import SavedRouter
    from tracer_nb.tracer import Tracer

__all__ = ["ColumnTracer", "ExpressionTracer", "register_accessors"]


class ColumnTracer:
    """What ``df.text.tracer`` is: the whole job on this column, or a router used on it.

    Parameters
    ----------
    column : pandas or polars series

    Attributes
    ----------
    tracer : Tracer or None
        Of the last :meth:`run`: its report, certificate, ``save``.
    """

    def __init__(self, column: Any) -> None:
        self._column = column
        self.tracer: Tracer | None = None

    def run(self, teacher: Any, labels: Any = None, prompt: str = "", **options: Any) -> Any:
        """Do the whole job on this column: ``Tracer(teacher, labels, prompt, …).run(column, …)``.

        Parameters
        ----------
        teacher : str, callable, mapping, Teacher or Tracer
            As of :class:`tracer_nb.Tracer`; or a Tracer, whose job this goes on with.
        labels, prompt
            As there.
        **options
            Keywords of :class:`tracer_nb.Tracer` and of :meth:`tracer_nb.Tracer.run`, each handed
            to the one that takes it: ``target=0.92, max_cost=4, table=df``.

        Returns
        -------
        dataframe or None
            As of :meth:`tracer_nb.Tracer.run`.

        Raises
        ------
        InvalidInput
            An argument cannot be used; nothing has been asked or paid.
        """
        from tracer_nb.tracer import Tracer  # noqa: PLC0415  brings scikit-learn

        takes = inspect.signature(Tracer.run).parameters
        of_run = {name: options.pop(name) for name in [*options] if name in takes}
        if isinstance(teacher, Tracer):
            given = [*options, *(["labels"] if labels is not None else [])]
            given += ["prompt"] if prompt else []
            if given:
                raise InvalidInput(
                    f"{', '.join(sorted(given))}: a Tracer has its own settings; leave them out, or "
                    "name a teacher"
                )
            self.tracer = teacher
        else:
            self.tracer = Tracer(teacher, labels, prompt, **options)
        return self.tracer.run(self._column, **of_run)

    def route(self, router: Any, **options: Any) -> Any:
        """Label this column with a router that is there.

        Parameters
        ----------
        router : path, SavedRouter or Tracer
            A file that was saved is read by :func:`tracer_nb.load`, without a teacher.
        **options
            Of its ``route``: ``target``, ``ask_teacher``, ``max_cost``, ``table``, …

        Returns
        -------
        dataframe
            As of :meth:`tracer_nb.Tracer.route`.

        Raises
        ------
        InvalidInput
            It is no router, or the column cannot be read.
        """
        return _router(router).route(self._column, **options)


class ExpressionTracer:
    """What ``pl.col("text").tracer`` is, within a query of polars; a query never asks a teacher.

    Parameters
    ----------
    expression : polars expression
    """

    def __init__(self, expression: Any) -> None:
        self._expression = expression

    def route(self, router: Any, *, target: float | None = None) -> Any:
        """Label with a router that is there; deferred rows have no label.

        Parameters
        ----------
        router : path, SavedRouter or Tracer
        target : float, optional
            One of the saved targets.

        Returns
        -------
        polars expression
            A struct of ``label``, ``label_source``, ``label_score`` and ``label_reason``: take
            fields of it, or ``unnest``.

        Raises
        ------
        InvalidInput
            It is no router.
        """
        import polars as pl  # noqa: PLC0415  who has an expression has polars

        names = ("label", "label_source", "label_score", "label_reason")
        types = dict.fromkeys(names, pl.String) | {"label_score": pl.Float64}
        made = _router(router)

        def label(texts: Any) -> Any:
            if texts.null_count() == len(texts):  # also none at all, on which queries are tried
                return pl.DataFrame(
                    {name: [None] * len(texts) for name in names}, types
                ).to_struct()
            found = made.route(texts, target=target, ask_teacher=False)
            return found.select(names).cast(types).to_struct()

        return self._expression.map_batches(label, return_dtype=pl.Struct(types))


def _router(router: Any) -> SavedRouter | Tracer:
    from tracer_nb.steps.route.saved import SavedRouter, load  # noqa: PLC0415  brings scikit-learn
    from tracer_nb.tracer import Tracer  # noqa: PLC0415  as above

    if isinstance(router, (SavedRouter, Tracer)):
        return router
    if isinstance(router, (str, os.PathLike)):
        return load(router)
    raise InvalidInput(
        f"a router is a file that was saved, what tracer_nb.load gives, or a Tracer; got "
        f"{type(router).__name__}"
    )


def register_accessors() -> None:
    """Give columns of pandas and polars ``.tracer``: now where imported, else on import.

    A second call does nothing.
    """
    for name, register in _REGISTER.items():
        if name in sys.modules:
            register(sys.modules[name])
    if not any(isinstance(finder, _Waiting) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Waiting())


def _pandas(pandas: Any) -> None:
    if not hasattr(pandas.Series, "tracer"):
        pandas.api.extensions.register_series_accessor("tracer")(ColumnTracer)


def _polars(polars: Any) -> None:
    if not hasattr(polars.Series, "tracer"):
        polars.api.register_series_namespace("tracer")(ColumnTracer)
        polars.api.register_expr_namespace("tracer")(ExpressionTracer)


_REGISTER: dict[str, Callable[[Any], None]] = {"pandas": _pandas, "polars": _polars}


class _Waiting(MetaPathFinder):
    """Sees pandas and polars being imported, and registers once they are there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module as all other finders find it, with a loader that registers after it."""
        if fullname not in _REGISTER:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = None if find is None else find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Registering(spec.loader, _REGISTER[fullname])
                return spec  # type: ignore[no-any-return]
        return None


class _Registering(Loader):
    """Another loader, and then an accessor."""

    def __init__(self, loader: Loader, register: Callable[[Any], None]) -> None:
        self._loader, self._register = loader, register

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """As the other."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As the other; afterwards the module has its own loader again."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._register(module)
