"""``__all__`` is the truth: every module has one, sorted, of what it defines for others."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import get_origin

import pytest

import tracer_nb

# Run, not imported.
SCRIPTS = {"tracer_nb.__main__", "tracer_nb.standin.__main__"}


def is_data_script(name):
    """Data sets and the scripts that wrote them: private, and read by one module each."""
    return name.startswith("tracer_nb.datasets._")


FOUND = [found.name for found in pkgutil.walk_packages(tracer_nb.__path__, "tracer_nb.")]
MODULES = ["tracer_nb", *(n for n in FOUND if n not in SCRIPTS and not is_data_script(n))]


def is_defined_here(value, module):
    """A function or class of this module, not one that it imports."""
    is_code = inspect.isfunction(value) or inspect.isclass(value)
    return is_code and value.__module__ == module.__name__


@pytest.fixture(params=MODULES)
def module(request):
    return importlib.import_module(request.param)


def test_all_is_there_sorted_and_true(module):
    names = module.__all__
    assert names == sorted(set(names), key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    for name in names:
        assert hasattr(module, name), f"{name} is in __all__ of {module.__name__} but not in it"


def test_all_has_what_the_module_defines_for_others(module):
    defined = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and is_defined_here(value, module)
    }
    missing = defined - set(module.__all__)
    assert not missing, f"{module.__name__}: {sorted(missing)} should be in __all__ or private"


def test_all_has_no_private_names_and_nothing_from_elsewhere(module):
    for name in set(module.__all__) - {"__version__"}:
        assert not name.startswith("_")
        value = getattr(module, name)
        # On Python 3.10 the alias Callable[[X], None] passes for a class.
        is_class = inspect.isclass(value) and get_origin(value) is None
        is_code = inspect.isfunction(value) or is_class
        if is_code and not hasattr(module, "__path__"):  # packages re-export
            assert value.__module__ == module.__name__


def test_modules_are_found():
    assert "tracer_nb.engine.bounds" in MODULES
    assert "tracer_nb.widgets.card" in MODULES
    assert not any("__main__" in name for name in MODULES)


def test_private_modules_are_scripts_and_their_data():
    private = {n for n in FOUND if n.rsplit(".", 1)[1].startswith("_")}
    assert all(is_data_script(name) or name in SCRIPTS for name in private)
