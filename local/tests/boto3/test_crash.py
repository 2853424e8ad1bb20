"""A short run of the crash test; `crash.py` alone does the long one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_nothing_acknowledged_is_lost_by_kill_9(server):
    if server is None:
        pytest.skip("not our server to kill")
    script = Path(__file__).parent.parent / "crash.py"
    program = os.environ["FOTOGRAMA_LOCAL_BIN"]
    ran = subprocess.run(
        [sys.executable, script, program, "--rounds", "4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout
