"""``__all__`` is the truth: every module has one, sorted, of what it defines for others."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
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


@pytest.fixture(scope="module")
def modules():
    return [importlib.import_module(name) for name in MODULES]


def faults(module):
    """What is wrong with the ``__all__`` of a module; ruff checks that it is there and sorted."""
    names = set(module.__all__)
    for name, value in vars(module).items():
        if not name.startswith("_") and is_defined_here(value, module) and name not in names:
            yield f"{module.__name__}: {name} should be in __all__ or private"
    for name in names - {"__version__"}:
        if name.startswith("_"):
            yield f"{module.__name__}: {name} is private and in __all__"
        value = getattr(module, name)
        # On Python 3.10 the alias Callable[[X], None] passes for a class.
        is_class = inspect.isclass(value) and get_origin(value) is None
        is_code = inspect.isfunction(value) or is_class
        # Packages re-export.
        if is_code and not hasattr(module, "__path__") and value.__module__ != module.__name__:
            yield f"{module.__name__}: {name} is of {value.__module__}"


def test_all_is_what_the_module_defines_for_others(modules):
    assert [fault for module in modules for fault in faults(module)] == []


def test_a_wrong_list_is_found():
    module = types.ModuleType("wrong")
    code = "__all__ = ['a', '_b']\ndef a(): ...\ndef _b(): ...\ndef forgotten(): ..."
    exec(code, vars(module))
    assert list(faults(module)) == [
        "wrong: forgotten should be in __all__ or private",
        "wrong: _b is private and in __all__",
    ]


def test_modules_are_found():
    assert "tracer_nb.engine.bounds" in MODULES
    assert "tracer_nb.widgets.card" in MODULES
    assert not any("__main__" in name for name in MODULES)


def test_private_modules_are_scripts_and_their_data():
    private = {n for n in FOUND if n.rsplit(".", 1)[1].startswith("_")}
    assert all(is_data_script(name) or name in SCRIPTS for name in private)
