"""What is in the images, how large they are, and that they run with next to no rights."""

import io
import json
import subprocess
import tarfile
import time
import tomllib

import pytest
from conftest import ROOT

SERVICES = ("auth-service", "video-uploader", "status-service", "notification-service")
# How little a service gets.
CONFINED = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--memory", "256m", "--network", "none"),
)
AWS = (
    *("--env", "AWS_ENDPOINT_URL=http://127.0.0.1:4566", "--env", "AWS_REGION=us-east-1"),
    *("--env", "AWS_ACCESS_KEY_ID=test", "--env", "AWS_SECRET_ACCESS_KEY=test"),
)


def files(engine, image):
    """The paths of an image's files."""
    container = engine.docker("create", image)
    try:
        exported = engine.docker_bytes("export", container)
    finally:
        engine.docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        return {member.name for member in archive if member.isfile()}


@pytest.mark.parametrize(("target", "most"), [("services", 30), ("video-processor", 45)])
def test_an_image_is_small(engine, built, images, target, most):
    size = int(engine.docker("image", "inspect", "--format", "{{.Size}}", images[target]))
    print(f"{target}: {size / 1e6:.1f} MB")
    assert size < most * 1e6


@pytest.mark.parametrize("target", ["services", "video-processor", "local"])
def test_an_image_holds_no_shell_and_runs_as_nobody(engine, images, target):
    (told,) = json.loads(engine.docker("image", "inspect", images[target]))
    assert told["Config"]["User"] == "10001:10001"
    labels = told["Config"]["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "MIT OR Apache-2.0"
    there = files(engine, images[target])
    assert "fotograma" in there
    programs = {name for name in there if name.startswith(("bin/", "usr/bin/", "sbin/"))}
    assert programs <= {"bin/ffmpeg"}
    assert ("bin/ffmpeg" in there) == (target != "services")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_confined_and_says_that_it_is_healthy(engine, images, service):
    container = engine.docker("run", "--detach", *CONFINED, *AWS, images["services"], "serve", service)
    try:
        end = time.monotonic() + 60
        health = "starting"
        while health == "starting" and time.monotonic() < end:
            time.sleep(0.5)
            health = engine.docker("inspect", "--format", "{{.State.Health.Status}}", container)
        assert health == "healthy", engine.docker("logs", container)
        began = time.monotonic()
        engine.docker("stop", "--time", "30", container)
        state = engine.docker("inspect", "--format", "{{.State.ExitCode}}", container)
        assert state == "0" and time.monotonic() - began < 30
    finally:
        engine.docker("rm", "--force", container)


@pytest.mark.parametrize("target", ["services", "video-processor", "local"])
def test_an_image_says_what_it_was_built_from(engine, built, images, target, tmp_path):
    """A scanner finds every crate in the image, by the list that `cargo auditable` left in the binary."""
    path = tmp_path / "sbom.json"
    scan = [ROOT / ".ci/sbom", f"docker:{images[target]}", path]
    subprocess.run(scan, env=engine.environment, check=True)
    found = {
        (part["name"], part["version"])
        for part in json.loads(path.read_text())["components"]
        if part.get("purl", "").startswith("pkg:cargo/")
    }
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    assert found <= {(package["name"], package["version"]) for package in locked}
    names = {name for name, _ in found}
    assert {"fotograma", "fotograma-core", "aws-sdk-s3", "tokio", "ring"} <= names
    assert ("fotograma-local" in names) == (target == "local")


def test_ffmpeg_in_the_image_is_the_minimal_one(engine, built, images):
    told = engine.docker(
        "run", "--rm", *CONFINED, "--entrypoint", "/bin/ffmpeg", images["video-processor"], "-version"
    )
    assert told.startswith("ffmpeg version") and "--disable-everything" in told
