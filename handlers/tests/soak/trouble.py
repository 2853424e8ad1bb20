"""What goes wrong during a run: AWS fails in every way, and workers are killed."""

import random
import signal
import subprocess
import threading
import time

import requests

OPERATIONS = {
    "s3": [
        "HeadObject", "GetObject", "PutObject", "CreateMultipartUpload", "UploadPart",
        "CompleteMultipartUpload",
    ],
    "dynamodb": ["GetItem", "PutItem"],
}  # fmt: skip
# An error, throttling in both forms, a time-out, and a connection cut before or after the
# operation has run; each with the share of the calls that it hits.
KINDS = [
    {"kind": "error", "probability": 0.05},
    {"kind": "throttle", "probability": 0.05},
    {"kind": "error", "code": "SlowDown", "status": 503, "probability": 0.05},
    {"kind": "cut", "probability": 0.05},
    {"kind": "cut_after", "probability": 0.05},
    {"kind": "delay", "probability": 0.01},
]
# How long the faults stay as they are, in seconds.
SHIFT = 2.0
# An outage, and how AWS's clock is moved through it: a minute each time, after a pause for the workers.
HOUR, STEP, PAUSE = 3_600, 60, 0.5
GRACE = 3
# How long the end of a worker may take beyond its grace.
LATE = 15


class Faults(threading.Thread):
    """The fault layer, set anew every two seconds, until told to stop."""

    def __init__(self, aws_url, delays_ms, seed):
        super().__init__(daemon=True)
        self.url = f"{aws_url}/_local/faults"
        self.delays_ms = delays_ms
        self.random = random.Random(seed)
        self.over = threading.Event()
        self.setting = threading.Lock()

    def run(self):
        while not self.over.is_set():
            with self.setting:
                self.shift()
            self.over.wait(SHIFT)

    def an_hour_without_store(self, system):
        """S3 refuses everything, as it does without a permission, until an hour of AWS's clock is over."""
        with self.setting:
            requests.delete(self.url, timeout=60).raise_for_status()
            fault = {"service": "s3", "kind": "access_denied", "lasts_ms": HOUR * 1000}
            requests.post(self.url, json=fault, timeout=60).raise_for_status()
            for _ in range(HOUR // STEP):
                time.sleep(PAUSE)
                system.advance_clock(STEP)
            left = requests.get(self.url, timeout=60).json()
            assert left == [], f"the outage goes on: {left}"

    def shift(self):
        """Another kind for each operation: the first rule that fits a request decides."""
        requests.delete(self.url, timeout=60).raise_for_status()
        for service, operations in OPERATIONS.items():
            for operation in operations:
                fault = {**self.random.choice(KINDS), "service": service, "operation": operation}
                if fault["kind"] == "delay":
                    fault["delay_ms"] = self.random.choice(self.delays_ms)
                requests.post(self.url, json=fault, timeout=60).raise_for_status()

    def stop(self):
        self.over.set()
        self.join()
        requests.delete(self.url, timeout=60).raise_for_status()


class Worker:
    """`fotograma work …` as a process that is started again whenever it ends."""

    def __init__(self, program, service, log, environment, *flags):
        self.command = [program, "work", service, *flags]
        self.service = service
        self.log = log
        self.environment = environment
        self.process = None
        self.statuses = []

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self

    def end(self, number):
        """Sends the signal and waits for the end; what does not end is a fault of its own."""
        self.process.send_signal(number)
        try:
            status = self.process.wait(timeout=GRACE + LATE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "late"
        self.statuses.append((signal.Signals(number).name, status))
        return status


class Killer(threading.Thread):
    """Ends a worker every few seconds, in order or not, and starts it again."""

    def __init__(self, workers, every, seed):
        super().__init__(daemon=True)
        self.workers = workers
        self.every = every
        self.random = random.Random(seed)
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.every * self.random.uniform(0.5, 1.5)):
            worker = self.random.choice(self.workers)
            worker.end(self.choose(worker))
            worker.start()

    def choose(self, worker):
        # A mailer cannot be asked whether it has taken a mail: who is cut off between the
        # mail and the note of it sends it again. So the one who mails is only asked to end.
        if worker.service == "notification-service":
            return signal.SIGTERM
        return self.random.choice([signal.SIGKILL, signal.SIGTERM])

    def stop(self):
        self.over.set()
        self.join()


def until(probe, seconds, pause=0.5):
    """Whether `probe` came true in time."""
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
