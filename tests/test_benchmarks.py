"""Benchmarks are run seldom; that they begin at all is asked here, every time."""

import importlib
import pkgutil

import pytest

import benchmarks
from benchmarks.__main__ import NAMES

MODULES = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))


@pytest.mark.parametrize("name", [name for name in MODULES if name != "__main__"])
def test_can_be_imported(name):
    importlib.import_module(f"benchmarks.{name}")


@pytest.mark.parametrize("name", NAMES)
def test_one_that_is_named_can_be_run(name):
    assert callable(importlib.import_module(f"benchmarks.{name}").main)
