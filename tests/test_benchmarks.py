"""Benchmarks are run seldom; that they begin at all is asked here, every time."""

import importlib
import pkgutil

import pytest

import benchmarks
from benchmarks.__main__ import NAMES
from benchmarks.choosing import CHOICES
from hub.catalogue import popularity

MODULES = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))


@pytest.mark.parametrize("name", [name for name in MODULES if name != "__main__"])
def test_can_be_imported(name):
    importlib.import_module(f"benchmarks.{name}")


@pytest.mark.parametrize("name", NAMES)
def test_one_that_is_named_can_be_run(name):
    assert callable(importlib.import_module(f"benchmarks.{name}").main)


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.title)
def test_what_ships_is_among_what_is_chosen_from(choice):
    assert choice.ships in choice.values


def test_a_choice_is_made_for_a_while():
    choice = next(each for each in CHOICES if each.name == "HALF_LIFE")
    before = choice.ships
    with choice.set_to(2 * before):
        assert (2 * before, 16 * before) == (popularity.HALF_LIFE, popularity.WINDOW)
    assert (before, 8 * before) == (popularity.HALF_LIFE, popularity.WINDOW)
