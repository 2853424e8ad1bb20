"""The images of the overlay, from the binary as it was built: the same files as containers/Dockerfile
puts there, without a build of its own."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "containers/test"))
from prebuilt import ffmpeg, lay_out  # noqa: E402

# As containers/Dockerfile has it.
CONFIG = {
    "User": "10001:10001",
    "Entrypoint": ["/fotograma"],
    "Cmd": ["--help"],
    "Env": ["FOTOGRAMA_HOST=0.0.0.0"],
}
WITH_FFMPEG = {**CONFIG, "Env": [*CONFIG["Env"], "FOTOGRAMA_FFMPEG=/bin/ffmpeg"]}
# Holds a pod's namespaces, and does nothing.
PAUSE = "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n"


def make(folder, program):
    """Archives of all images: a path each."""
    services, processor = folder / "services", folder / "video-processor"
    lay_out(program, "fotograma", services)
    shutil.copytree(services, processor, symlinks=True)
    lay_out(ffmpeg(), "bin/ffmpeg", processor)
    pause = folder / "pause"
    pause.mkdir()
    compile_pause(pause / "pause")
    return [
        archive(folder, "docker.io/fotograma/services:latest", services, CONFIG),
        archive(folder, "docker.io/fotograma/video-processor:latest", processor, WITH_FFMPEG),
        archive(folder, "docker.io/fotograma/local:latest", processor, WITH_FFMPEG),
        archive(folder, "localhost/pause:latest", pause, {"Entrypoint": ["/pause"]}),
    ]


def compile_pause(path):
    command = ["gcc", "-static", "-Os", "-s", "-x", "c", "-o", path, "-"]
    subprocess.run(command, input=PAUSE, text=True, check=True)


def archive(folder, name, root, config):
    """One image as `docker save` writes it."""
    layer = folder / "layer.tar"
    with tarfile.open(layer, "w") as tar:
        tar.add(root, arcname=".")
    digest = hashlib.file_digest(layer.open("rb"), "sha256").hexdigest()
    described = {
        "architecture": "amd64" if os.uname().machine == "x86_64" else "arm64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created_by": "k8s/node/images.py"}],
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    path = folder / f"{name.split('/')[-1].split(':')[0]}.tar"
    with tarfile.open(path, "w") as tar:
        for file, content in (("manifest.json", manifest), ("config.json", described)):
            data = json.dumps(content).encode()
            entry = tarfile.TarInfo(file)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        tar.add(layer, arcname="layer.tar")
    layer.unlink()
    return path
