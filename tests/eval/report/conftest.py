"""Fixtures of the report's tests: a finished run with made-up numbers, what is read of it, and the report made of that."""

from __future__ import annotations

import pytest

from eval.report import stage
from eval.report.collect import Run, collect
from eval.report.content import compose
from eval.report.document import Cell, Report, Table
from kielo.plan import Outcome
from tests.eval.fixture_run import Built, build


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A run of the paper's models on 510 prompts."""
    return build(tmp_path_factory.mktemp("finished"))


@pytest.fixture(scope="session")
def written(finished: Built) -> Outcome:
    """What the report step made of it, in the folder `report`."""
    return stage.run(finished.place)


@pytest.fixture(scope="session")
def run(finished: Built) -> Run:
    return collect(finished.recipe, finished.place.inputs)


@pytest.fixture(scope="session")
def report(run: Run) -> Report:
    return compose(run)


def table_of(report: Report, title: str) -> Table:
    """Find the table of a title."""
    (found,) = (table for table in report.tables if table.title == title)
    return found


def cell_of(table: Table, row: str, column: str) -> Cell:
    """Find a cell by its row's first words and its column's heading."""
    (found,) = (cells for cells in table.rows if cells[0].text == row)
    return found[table.columns.index(column)]
