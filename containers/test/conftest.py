"""The images, built as anybody would build them, and the system run from them.

FOTOGRAMA_BIN    a program to put into them instead, which takes a minute, and not the many that two builds
                 and ffmpeg's take; what a build alone can show is then skipped
"""

import os
from pathlib import Path

import engine as engines
import prebuilt
import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("services", "video-processor", "local")


@pytest.fixture(scope="session")
def engine(program):
    # What is compiled is worth keeping.
    found, why = engines.find(keep=not program)
    if not found:
        pytest.skip(why)
    yield found
    found.stop()


@pytest.fixture(scope="session")
def program():
    """The program that is in the images as it is, or None: they are built."""
    return os.environ.get("FOTOGRAMA_BIN")


@pytest.fixture(scope="session")
def built(program):
    """What only images that were built from their source show."""
    if program:
        pytest.skip("the images hold a program that was built before: make test-images")


@pytest.fixture(scope="session")
def images(engine, program, tmp_path_factory):
    """The three images, by target."""
    context, flags = ROOT, []
    if program:
        context = prebuilt.context(engine, tmp_path_factory.mktemp("images"), program)
        # An engine that a person has, and that has built before, takes files for the same whose owners differ.
        flags = ["--no-cache"]
    else:
        engines.stand_ins(engine, tmp_path_factory.mktemp("bases"))
    for target in TARGETS:
        engine.docker("build", *flags, "--target", target, "--tag", f"fotograma-{target}", context)
    return {target: f"fotograma-{target}" for target in TARGETS}
