"""The contract: `openapi.json` as other tools read it, and the running system held to it.

FOTOGRAMA_BIN       the program; `cargo build` makes it as target/debug/fotograma
CONTRACT_SECONDS    how long cases are made up for; three minutes
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The program as a child process, its users and its clips are those of the journey.
sys.path.insert(0, str(HERE.parent / "journey"))

import os  # noqa: E402

import pytest  # noqa: E402

from clips import Clips  # noqa: E402
from gateway import Gateway  # noqa: E402
from people import DEMO, User  # noqa: E402
from system import System  # noqa: E402

ROOT = HERE.parents[2]


@pytest.fixture(scope="session")
def document():
    """The document in the repository."""
    return ROOT / "core" / "openapi.json"


@pytest.fixture(scope="session")
def here():
    return HERE


@pytest.fixture(scope="session")
def system(tmp_path_factory):
    path = os.environ.get("FOTOGRAMA_BIN")
    if not path or not Path(path).is_file():
        pytest.exit("set FOTOGRAMA_BIN to the program", returncode=2)
    system = System(Path(path).resolve(), tmp_path_factory.mktemp("system"))
    system.start()
    yield system
    system.stop()


@pytest.fixture(scope="session")
def gateway(system):
    gateway = Gateway(system)
    yield gateway
    gateway.close()


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def operator(system):
    """The demo user, who may do everything."""
    return User(system, *DEMO).log_in()
