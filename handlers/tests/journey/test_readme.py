"""What the README says to type does what it says."""

import io
import json
import re
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
import requests

from clips import jpegs, rows, sizes
from people import DEMO, User
from system import System, clean_environment
from waiting import until


class Readme:
    """The README, with the addresses of a system in the place of its own."""

    def __init__(self, text, system):
        self.text = text
        self.system = system

    def section(self, title):
        """What stands under a heading."""
        found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## )", self.text, re.M | re.S)
        return found.group(1)

    def blocks(self, title):
        """The commands of a section, block by block."""
        found = re.findall(r"^( *)```sh\n(.*?)^ *```$", self.section(title), re.M | re.S)
        assert found, f"no commands under {title}"
        return [self.here(textwrap.dedent(block)) for _, block in found]

    def here(self, commands):
        """Commands as they are for this system and this program."""
        commands = re.sub(r"127\.0\.0\.1:4566", f"127.0.0.1:{self.system.aws_port}", commands)
        commands = re.sub(
            r"127\.0\.0\.1:(800[0-5])",
            lambda found: f"127.0.0.1:{self.system.base + int(found[1]) - 8001}",
            commands,
        )
        return commands.replace("cargo run --", self.system.program)


class Shell:
    """One bash that a reader types into: variables and aliases stay; the first error ends it."""

    END = "--- end of block"

    def __init__(self, folder, environment):
        self.folder = folder
        self.count = 0
        self.errors = folder / "stderr.txt"
        with self.errors.open("w") as errors:
            self.process = self.start(environment, errors)

    def start(self, environment, errors):
        return subprocess.Popen(
            ["bash", "-eu", "-o", "pipefail", "-O", "expand_aliases"],
            cwd=self.folder,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )

    def run(self, commands):
        """Runs commands to their end; gives what they print."""
        self.count += 1
        script = self.folder / f"block-{self.count}.sh"
        script.write_text(commands)
        # Not over the shell's own input, which ffmpeg would read.
        self.process.stdin.write(f"source {script} </dev/null; echo; echo '{self.END}'\n")
        self.process.stdin.flush()
        printed = []
        for line in self.process.stdout:
            if line.strip() == self.END:
                return "".join(printed)
            printed.append(line)
        raise AssertionError(f"failed:\n{commands}\n{''.join(printed)}{self.errors.read_text()}")

    def value(self, name):
        return self.run(f'echo "${name}"').strip()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def readme(program, root, tmp_path_factory):
    system = System(program, tmp_path_factory.mktemp("readme-system")).start()
    yield Readme((root / "README.md").read_text(), system)
    system.stop()


@pytest.fixture(scope="module")
def shell(readme, root, tmp_path_factory):
    """A shell in a folder with the repository's events; `aws` is the one beside this Python."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "events").symlink_to(root / "events")
    path = f"{Path(sys.executable).parent}:{clean_environment()['PATH']}"
    # What `replay` finds by itself on the usual port.
    there = {"AWS_ENDPOINT_URL": readme.system.aws_url}
    shell = Shell(folder, clean_environment(PATH=path, **there))
    yield shell
    shell.end()


@pytest.fixture(scope="module")
def paulo(readme):
    return User(readme.system, *DEMO).log_in()


@pytest.fixture(scope="module")
def journey(readme, shell, paulo):
    """The journey's blocks, run one after another; what each printed."""
    make, log_in, form, presigned, fetch, notify = readme.blocks("The journey, by curl")
    printed = {"make": shell.run(make), "log_in": shell.run(log_in), "form": shell.run(form)}
    printed["presigned"] = shell.run(presigned)
    printed["fetch"] = shell.run(fetch)
    printed["notify"] = shell.run(notify)
    return printed


def test_the_portuguese_readme_has_the_same_commands(root):
    def blocks(name):
        text = (root / name).read_text()
        return re.findall(r"^ *```(\w+)\n(.*?)^ *```$", text, re.M | re.S)

    english = blocks("README.md")
    assert len(english) > 10
    assert blocks("README.pt-BR.md") == english


def last_json(printed):
    """The JSON document in what a command printed."""
    return json.loads(printed[printed.index("{") : printed.rindex("}") + 1])


def test_the_journey(journey, shell, paulo):
    form = last_json(journey["form"])
    assert form["status"] in ("queued", "processing", "done")
    for video_id in (form["video_id"], shell.value("ID")):
        done = paulo.until_ended(video_id)
        assert (done["status"], done["frames"], done["filename"]) == ("done", 10, "video.mp4")
    zipped = (shell.folder / "frames.zip").read_bytes()
    assert zipped == paulo.download(shell.value("ID"))
    check_ten_frames(shell.folder / "frames.zip")
    assert "frame_00010.jpg" in journey["fetch"] and "frames.csv" in journey["fetch"]
    assert '"videos":' in journey["fetch"]


def check_ten_frames(file):
    """What the README's video must give."""
    subprocess.run(["unzip", "-tq", file], check=True)
    with zipfile.ZipFile(file) as zipped:
        frames = jpegs(zipped)
        assert rows(zipped) == (
            ["file", "seconds", "at"],
            [[f"frame_{n + 1:05}.jpg", f"{n}.000", f"{n}.000"] for n in range(10)],
        )
    assert sizes(frames) == [(640, 360)] * 10


def test_the_mail(journey, readme, shell, paulo):
    (command,) = re.findall(r"Read the mail: `([^`]+)`", readme.text)
    paulo.until_mailed(2)
    mails = json.loads(shell.run(readme.here(command)))
    links = set()
    for mail in mails:
        if mail["to"] == paulo.email:
            assert "video.mp4" in mail["subject"] and "10 frames" in mail["text"]
            # The same address stands in both languages.
            links |= set(re.findall(r"http://\S+X-Amz-\S+", mail["text"]))
    assert len(links) == 2
    for link in links:
        answer = requests.get(link, timeout=30)
        assert answer.status_code == 200
        assert "video.zip" in answer.headers["content-disposition"]
        assert len(jpegs(zipfile.ZipFile(io.BytesIO(answer.content)))) == 10


def test_a_notice_by_hand(journey, readme):
    assert last_json(journey["notify"])["message_id"]
    (mail,) = until(lambda: readme.system.mail("you@example.com"), "the mail")
    assert "ready" in mail["subject"]


@pytest.fixture(scope="module")
def by_hand(journey, readme, shell):
    """The block with the `aws` command; what it printed."""
    (commands,) = readme.blocks("With the `aws` command")
    send, look = re.split(r"(?=^awslocal s3 ls)", commands, flags=re.M)
    printed = shell.run(send)
    table = readme.system.aws("dynamodb")

    def status():
        key = {"video_id": {"S": "v1"}}
        record = table.get_item(TableName="tech5-dev-video-status", Key=key).get("Item", {})
        return record.get("status", {}).get("S") in ("done", "failed")

    # A reader is not as fast as a script.
    until(status, "an end of v1")
    return printed + shell.run(look)


def test_with_the_aws_command(by_hand, readme):
    assert re.search(r" frames/u1/v1/\S+\.zip$", by_hand, re.M)
    assert '"MessageId"' in by_hand
    assert '"done"' in by_hand
    mails = until(lambda: of_v1(readme.system), "the mail about v1")
    assert "ready" in mails[0]["subject"]


def of_v1(system):
    return [mail for mail in system.mail("you@example.com") if "v1" in mail["subject"]]


def test_replay(by_hand, readme, shell):
    (commands,) = readme.blocks("Replay a sample event")
    printed = shell.run(commands)
    assert '"statusCode": 200' in printed
    assert printed.count("batchItemFailures") == 2


def test_the_engine_alone(journey, readme, shell):
    (shell.folder / "frames.zip").unlink()
    (commands,) = readme.blocks("The engine alone")
    shell.run(commands)
    assert "10 pictures in frames.zip" in shell.errors.read_text()
    check_ten_frames(shell.folder / "frames.zip")


def test_the_table_of_services(readme, program):
    """Every service, with its port, and every path that the program knows."""
    told = subprocess.run([program, "features", "--json"], capture_output=True, check=True)
    table = json.loads(told.stdout)
    section = readme.section("Services")
    for service in table["services"]:
        assert f"| `{service['name']}` | {service['port']} |" in section
    for feature in table["features"]:
        trigger = feature["trigger"]
        if trigger["type"] == "http":
            known_by = trigger["path"].rsplit("/", 1)[-1]
        else:
            # What the clock sets off is known by its own name.
            known_by = trigger.get("queue", feature["name"])
        assert known_by in section, feature["name"]
