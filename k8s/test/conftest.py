"""The manifests: what they say, whether Kubernetes takes them, and what it refuses."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from api_server import ApiServer

ROOT = Path(__file__).resolve().parents[2]


class Manifests:
    """The documents of a rendered overlay."""

    def __init__(self, text):
        self.text = text
        self.documents = [document for document in yaml.safe_load_all(text) if document]

    def of(self, kind):
        return [document for document in self.documents if document["kind"] == kind]

    def get(self, kind, name):
        found = [d for d in self.of(kind) if d["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} times {kind} {name}"
        return found[0]

    def variables(self):
        """What the pods are told by the generated ConfigMap."""
        (settings,) = self.of("ConfigMap")
        return settings["data"]

    def pods(self):
        """The pods' specifications, by what makes them: (name, spec)."""
        for document in self.documents:
            if document["kind"] in ("Deployment", "Job"):
                yield document["metadata"]["name"], document["spec"]["template"]["spec"]
            elif document["kind"] == "CronJob":
                template = document["spec"]["jobTemplate"]["spec"]["template"]
                yield document["metadata"]["name"], template["spec"]


def render(overlay):
    done = subprocess.run(
        ["kubectl", "kustomize", ROOT / "k8s/overlays" / overlay],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return Manifests(done.stdout)


@pytest.fixture(scope="session")
def dev():
    return render("dev")


@pytest.fixture(scope="session")
def prod():
    return render("prod")


@pytest.fixture(scope="session", params=["dev", "prod"])
def overlay(request):
    return render(request.param)


@pytest.fixture(scope="session")
def table():
    """The table of features, which a test of CI compares with the binary's own."""
    return json.loads((ROOT / "cdk/features.json").read_text())


@pytest.fixture(scope="session")
def program():
    """The binary; `cargo build` makes it as target/debug/fotograma."""
    path = os.environ.get("FOTOGRAMA_BIN")
    if not path:
        pytest.skip("FOTOGRAMA_BIN names no program")
    return Path(path).resolve()


@pytest.fixture(scope="session")
def api_server(tmp_path_factory):
    """An API server of Kubernetes 1.20: what it refuses, a real cluster refuses."""
    programs = os.environ.get("FOTOGRAMA_KUBERNETES")
    if not programs:
        pytest.skip("FOTOGRAMA_KUBERNETES names no folder of programs: see k8s/test/build.sh")
    with ApiServer(Path(programs), tmp_path_factory.mktemp("api-server")) as server:
        yield server
