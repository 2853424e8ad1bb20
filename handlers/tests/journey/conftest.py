"""The journey: what users and operators see, shown on the real program.

FOTOGRAMA_BIN    the program; `cargo build` makes it as target/debug/fotograma

Every test makes its own users and its own videos, so that they can share a system.
"""

import os
import subprocess
from pathlib import Path

import pytest

from clips import Clips
from people import DEMO, User
from system import System, clean_environment

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("FOTOGRAMA_BIN")
    if not path or not Path(path).is_file():
        pytest.exit("set FOTOGRAMA_BIN to the program", returncode=2)
    return Path(path).resolve()


@pytest.fixture(scope="session")
def root():
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def system(program, tmp_path_factory):
    """The system that tests share when they need nothing special."""
    yield from running(System(program, tmp_path_factory.mktemp("system")))


@pytest.fixture
def new_system(program, tmp_path):
    """Makes systems of a test's own, not yet started; those that run are ended afterwards."""
    made = []

    def make(*flags, **options):
        made.append(System(program, tmp_path, *flags, **options))
        return made[-1]

    yield make
    for system in made:
        if system.is_running():
            system.stop()


@pytest.fixture
def user(system):
    """A new user of the shared system, logged in."""
    return User(system).join()


@pytest.fixture
def operator(system):
    """The demo user of the shared system, logged in."""
    return User(system, *DEMO).log_in()


@pytest.fixture
def fotograma(program, tmp_path):
    """Runs the program to its end in an empty folder: `fotograma("extract", …)`."""

    def run(*arguments, text=True, **environment):
        return subprocess.run(
            [program, *map(str, arguments)],
            cwd=tmp_path,
            env=clean_environment(**environment),
            capture_output=True,
            text=text,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )

    return run


def running(system):
    """For a fixture: a system while it runs."""
    system.start()
    try:
        yield system
    finally:
        system.stop()
