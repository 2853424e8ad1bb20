"""Waiting for what must happen."""

import time

DEADLINE = 60.0
PAUSE = 0.05


def until(probe, what, seconds=DEADLINE):
    """The first true answer of `probe`, which is asked again and again; fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(PAUSE)
