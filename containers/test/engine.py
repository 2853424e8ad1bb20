"""A Docker engine: the machine's own where one runs, or else Debian's, started for the tests alone."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

RUST, DEBIAN = "1.95.0", "bookworm"
CACHE = Path(
    os.environ.get("FOTOGRAMA_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fotograma"
)


class Engine:
    def __init__(self, client, host=None, process=None, folder=None):
        self.client, self.process, self.folder = client, process, folder
        self.environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        if host:
            self.environment["DOCKER_HOST"] = host

    def docker(self, *arguments, check=True, **options):
        """Runs `docker`; what it said."""
        done = subprocess.run(
            [self.client, *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            **options,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def docker_bytes(self, *arguments):
        """Runs `docker`; the bytes that it wrote."""
        command = [self.client, *map(str, arguments)]
        return subprocess.run(command, env=self.environment, capture_output=True, check=True).stdout

    def has(self, image):
        return bool(self.docker("images", "--quiet", image))

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=60)
            shutil.rmtree(self.folder)


def find(keep):
    """The engine, or None and the reason why there is none. One that is started here may keep what it builds
    for the next time."""
    own = shutil.which("docker")
    if own and subprocess.run([own, "info"], capture_output=True).returncode == 0:
        return Engine(own), None
    debian = "/usr/bin/docker"
    if os.geteuid() != 0:
        return None, "no Docker engine runs here, and to start one needs root"
    if not (shutil.which("dockerd") and Path(debian).exists() and shutil.which("mmdebstrap")):
        return None, "no Docker engine runs here, and docker.io and mmdebstrap are not installed"
    return start(debian, keep), None


def start(client, keep):
    """Starts Debian's engine, apart from any other."""
    folder = Path(tempfile.mkdtemp(prefix="fotograma-docker-"))
    host = f"unix://{folder}/docker.sock"
    data = CACHE / "docker" if keep else folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("dockerd", "--data-root", data, "--exec-root", folder / "exec"),
                *("--pidfile", folder / "pid", "--host", host, "--storage-driver", "overlay2"),
                *("--default-ulimit", "nofile=20000:20000", "--default-ulimit", "nproc=4000:4000"),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    engine = Engine(client, host, process, folder)
    end = time.monotonic() + 60
    while subprocess.run([client, "info"], env=engine.environment, capture_output=True).returncode:
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError((folder / "dockerd.log").read_text()[-2000:])
        time.sleep(0.2)
    return engine


def stand_ins(engine, folder):
    """Makes the public images that the Dockerfile begins from, in an engine that was started here, which
    may reach no registry of images: Debian from its packages, Rust from this machine's toolchain."""
    if not engine.process:
        return
    debian, rust = f"debian:{DEBIAN}-slim", f"rust:{RUST}-slim-{DEBIAN}"
    if not engine.has(debian):
        base = folder / "base.tar"
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", DEBIAN, base],
            check=True,
        )
        engine.docker("import", base, debian)
        base.unlink()
    if not engine.has(rust):
        context = folder / "rust"
        (context / "toolchain").mkdir(parents=True)
        rustc = ["rustc", "--print", "sysroot"]
        root = subprocess.run(rustc, check=True, capture_output=True, text=True).stdout.strip()
        for part in ("bin", "lib"):
            shutil.copytree(Path(root) / part, context / "toolchain" / part, symlinks=True)
        # Who signs for the registries that this machine reaches.
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", context)
        (context / "Dockerfile").write_text(
            f"FROM {debian}\n"
            "RUN apt-get update -q && apt-get install -qy --no-install-recommends gcc libc6-dev\n"
            "COPY toolchain /usr/local/\n"
            "COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt\n"
            "ENV CARGO_HOME=/usr/local/cargo\n"
        )
        engine.docker("build", "--tag", rust, context)
