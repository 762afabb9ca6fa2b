"""What `make test-million` runs, with fewer exchanges: the log is filled, read and taken to its bound beside traffic."""

from __future__ import annotations

import subprocess

import pytest
from hostprocess import BINARY

BENCH = BINARY.parent / "LogBench"

pytestmark = pytest.mark.skipif(not BENCH.exists(), reason="LogBench is not built")


@pytest.mark.timeout(300)
def test_a_log_is_taken_to_its_bound_beside_traffic(tmp_path):
    database = tmp_path / "logs.db"
    filled = subprocess.run([BENCH, "fill", database, "100000"], capture_output=True, text=True, timeout=200)
    assert filled.returncode == 0 and "100000 written, 0 dropped" in filled.stdout, filled.stdout + filled.stderr
    kept = subprocess.run([BENCH, "keep", database, "50000"], capture_output=True, text=True, timeout=200)
    assert kept.returncode == 0 and ", 0 dropped" in kept.stdout, kept.stdout + kept.stderr
