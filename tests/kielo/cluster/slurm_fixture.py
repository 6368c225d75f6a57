"""The Slurm that tests run on, as a fixture; tests/conftest.py hands it to all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kielo.cluster.slurm_on_loopback import Slurm, missing_programs, running_slurm


@pytest.fixture(scope="session")
def _slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    absent = missing_programs()
    if absent:
        pytest.skip(f"no Slurm to test on: {', '.join(absent)} not installed (Debian: slurm-wlm, munge)")
    with running_slurm(tmp_path_factory.mktemp("slurm")) as slurm:
        yield slurm


@pytest.fixture
def slurm(_slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """A real Slurm of four nodes with eight pretended GPUs each; this process and what it starts find it. Its jobs end with the test."""
    monkeypatch.setenv("SLURM_CONF", str(_slurm.conf))
    monkeypatch.setenv("PATH", _slurm.environment["PATH"])
    yield _slurm
    _slurm.call("scancel", "--me")
