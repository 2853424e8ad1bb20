"""The images, built as anybody would build them, and the system run from them."""

from pathlib import Path

import engine as engines
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def engine():
    found, why = engines.find()
    if not found:
        pytest.skip(why)
    yield found
    found.stop()


@pytest.fixture(scope="session")
def images(engine):
    """The three images, by target."""
    targets = ("services", "video-processor", "local")
    for target in targets:
        engine.docker("build", "--target", target, "--tag", f"fotograma-{target}", ROOT)
    return {target: f"fotograma-{target}" for target in targets}
