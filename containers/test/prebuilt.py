"""The images from a binary that is built already: their stages as containers/Dockerfile has them, but for
those that compile."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# From here on nothing is compiled.
FIRST = "FROM scratch AS common\n"
COMPILED = """FROM fotograma-prebuilt AS build
FROM fotograma-prebuilt AS build-local
FROM fotograma-prebuilt-ffmpeg AS ffmpeg
"""


def lay_out(program, name, root):
    """Puts a program into a root folder as NAME, with what it needs, by the script that the Dockerfile uses."""
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["strip", "-o", target, Path(program).resolve()], check=True)
    subprocess.run([ROOT / "containers/files.sh", target, root], check=True)


def ffmpeg():
    """The program that the images get: the one of FOTOGRAMA_FFMPEG, or this machine's."""
    return os.environ.get("FOTOGRAMA_FFMPEG") or shutil.which("ffmpeg")


def context(engine, folder, program):
    """A folder to build the images from; what their compiling stages would hold is in the engine."""
    services, with_ffmpeg = folder / "services/image", folder / "ffmpeg"
    lay_out(program, "fotograma", services)
    lay_out(ffmpeg(), "bin/ffmpeg", with_ffmpeg)
    # What a dynamic ffmpeg needs is found where the services' own libraries are.
    for library in ("lib", "lib64", "usr"):
        if (with_ffmpeg / library).exists():
            shutil.copytree(with_ffmpeg / library, services / library, dirs_exist_ok=True)
    # As images of their own: an engine forgets who owns what in a folder or an archive that it is given.
    for root, name in ((services.parent, "fotograma-prebuilt"), (with_ffmpeg, "fotograma-prebuilt-ffmpeg")):
        archive = f"{root}.tar"
        subprocess.run(["tar", "--create", "--file", archive, "--directory", root, "."], check=True)
        engine.docker("import", archive, name)
        shutil.rmtree(root)
        Path(archive).unlink()
    _, stages = (ROOT / "containers/Dockerfile").read_text().split(FIRST)
    (folder / "Dockerfile").write_text(COMPILED + FIRST + stages)
    return folder
