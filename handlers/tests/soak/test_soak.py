"""The soak of a minute, for CI: FOTOGRAMA_BIN is the program."""

import os
import subprocess
import sys
from pathlib import Path


def test_nothing_is_lost_in_a_minute():
    soak = Path(__file__).with_name("soak.py")
    flags = ["--jobs", "200", "--trouble", "40", "--patience", "180", "--kill-every", "2"]
    done = subprocess.run(
        [sys.executable, soak, os.environ["FOTOGRAMA_BIN"], *flags],
        capture_output=True,
        text=True,
        timeout=400,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
