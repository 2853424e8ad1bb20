"""`fotograma dev` as a child process: started on free ports, asked to end, killed."""

import os
import random
import signal
import socket
import subprocess
import threading
from pathlib import Path

import boto3
import requests
from botocore.config import Config

SERVICES = [
    "auth-service",
    "video-uploader",
    "status-service",
    "notification-service",
    "video-processor",
]
QUEUES = ["video-queue", "video-dlq", "notification-queue", "notification-dlq"]
BUCKET = "tech5-dev-videos"
START_SECONDS = 60
STOP_SECONDS = 60


class NotStarted(Exception):
    """It ended, or was silent, before it was ready."""

    def __init__(self, status, stderr):
        super().__init__(f"status {status}: {stderr}")
        self.status = status
        self.stderr = stderr


class System:
    """A system of its own: the services, the page and the embedded AWS.

    `data_dir` keeps its state; without one it is ephemeral. Keyword arguments are environment
    variables of the program; those of the machine that begin like them do not reach it.
    """

    READY = "fotograma is ready"

    def __init__(self, program, folder, *flags, data_dir=None, **environment):
        self.program = str(program)
        self.log = Path(folder) / f"stderr-{random.getrandbits(32):08x}.log"
        self.data_dir = data_dir
        self.flags = flags
        self.environment = clean_environment(**environment)
        self.process = None
        self.ready_line = None
        self.use_ports(*free_ports())

    def use_ports(self, base, aws):
        """The services from `base` on, the page one below, AWS at `aws`."""
        self.base = base
        self.aws_port = aws
        self.page_url = f"http://127.0.0.1:{base - 1}"
        self.aws_url = f"http://127.0.0.1:{aws}"

    def command(self):
        """The command line."""
        state = ["--data-dir", str(self.data_dir)] if self.data_dir else ["--ephemeral"]
        ports = ["--http-port-base", str(self.base), "--aws-port", str(self.aws_port)]
        return [self.program, "dev", *state, *ports, *self.flags]

    def start(self):
        """Returns once it says that it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
                env=self.environment,
                cwd=self.log.parent,
            )
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        self.ready_line = self.process.stdout.readline()
        watchdog.cancel()
        if self.READY not in self.ready_line:
            self.process.stdout.close()
            raise NotStarted(self.process.wait(timeout=STOP_SECONDS), self.stderr())
        return self

    def stop(self):
        """Asks it to end, as Kubernetes would; it must do so in order."""
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=STOP_SECONDS)
        self.process.stdout.close()
        assert status == 0, f"ended with {status}: {self.stderr()}"
        assert "panicked" not in self.stderr()

    def kill(self):
        """Lets it end in the middle of whatever it does."""
        self.process.kill()
        self.process.wait(timeout=STOP_SECONDS)
        self.process.stdout.close()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stderr(self):
        return self.log.read_text(errors="replace")

    def url(self, service):
        """Where a service is."""
        return f"http://127.0.0.1:{self.base + SERVICES.index(service)}"

    def aws(self, service):
        """A boto3 client."""
        return boto3.client(
            service,
            endpoint_url=self.aws_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def queue_url(self, queue):
        return f"{self.aws_url}/000000000000/tech5-dev-{queue}"

    def waiting(self, *queues):
        """The queues that hold messages, with how many; all that jobs pass when none is named."""
        sqs, names = self.aws("sqs"), queues or QUEUES
        held = {}
        for name in names:
            answer = sqs.get_queue_attributes(QueueUrl=self.queue_url(name), AttributeNames=["All"])
            counts = [n for a, n in answer["Attributes"].items() if a.startswith("Approximate")]
            held[name] = sum(map(int, counts))
        return {name: count for name, count in held.items() if count}

    def mail(self, to):
        """The mails to an address, newest first."""
        answer = requests.get(f"{self.aws_url}/_local/mail", params={"to": to}, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def advance_clock(self, seconds):
        """Moves the embedded AWS's clock forward."""
        url = f"{self.aws_url}/_local/clock"
        requests.post(url, json={"advance_ms": seconds * 1000}, timeout=30).raise_for_status()

    def children(self):
        """The processes that it has started."""
        return children(self.process.pid)

    def peak_rss_mib(self):
        """The most memory that it has had since it began, or since `forget_peak_rss`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024

    def forget_peak_rss(self):
        """Lets the peak begin anew (proc(5), clear_refs)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


class Local(System):
    """The embedded AWS alone."""

    READY = "AWS  "

    def command(self):
        state = ["--data-dir", str(self.data_dir)] if self.data_dir else ["--ephemeral"]
        return [self.program, "local", *state, "--aws-port", str(self.aws_port), *self.flags]

    def credentials(self):
        """Environment variables for programs that use it."""
        return {
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }


def children(pid):
    """The running processes whose parent is `pid`."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def is_alive(pid):
    """Whether a process runs; one that has ended and only waits to be asked does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


def clean_environment(**more):
    """The environment without what would move the product, and with `more`."""
    theirs = ("FOTOGRAMA_", "AWS_", "RUST_LOG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **more}


def free_ports():
    """A base with the page's port below it and the services' after it, and one for AWS."""
    count = len(SERVICES) + 2
    for _ in range(200):
        # Below where systems take the ports of outgoing connections from.
        first = random.randrange(20_000, 32_000)
        if all(map(is_free, range(first, first + count))):
            return first + 1, first + count - 1
    raise AssertionError("there are no free ports")


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
