"""Measures the local AWS beside ministack, in turns, and prints a table in Markdown.

    bench.py PROGRAM [--ministack PROGRAM] [--rounds 3] [--messages 20000]

Both are driven by the same small client (client.py) in processes of their own. Each round starts a
fresh server of each kind, the order alternating; the table has the medians. The messages taken from
the backlog are counted for ten seconds, since an emulator may need many minutes for all of them.
"""

import argparse
import multiprocessing
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from client import Client

MIB = 1 << 20
CONSUMERS = 8
WINDOW = 10.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Emulator:
    """A server process that is measured, memory included."""

    def __init__(self, kind, program):
        self.kind = kind
        self.folder = tempfile.mkdtemp(prefix=f"bench-{kind}-")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        environment = dict(os.environ, BIND_HOST="127.0.0.1", GATEWAY_PORT=str(port))
        command = [program]
        if kind == "local":
            command += ["--port", str(port), "--data-dir", self.folder]
        started = time.monotonic()
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._await_answer()
        self.start_seconds = time.monotonic() - started

    def _await_answer(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=1).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                assert time.monotonic() < deadline, f"{self.kind} does not answer"
                time.sleep(0.005)

    def memory_mib(self):
        """Resident memory of the process and its children."""
        total, waiting = 0, [self.process.pid]
        while waiting:
            pid = waiting.pop()
            status = Path(f"/proc/{pid}/status").read_text()
            total += next(int(l.split()[1]) for l in status.splitlines() if l.startswith("VmRSS:"))
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        return total / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def in_parallel(job, count, *arguments):
    """The sum of what `count` processes give back."""
    with multiprocessing.Pool(count) as pool:
        return sum(pool.starmap(job, [arguments] * count))


def fill(url, queue, messages):
    client = Client(url)
    for _ in range(messages // 10):
        entries = [{"Id": str(n), "MessageBody": "x" * 200} for n in range(10)]
        client.json("sqs", "AmazonSQS.SendMessageBatch", {"QueueUrl": queue, "Entries": entries})
    return messages


def consume(url, queue, seconds):
    """Receives and deletes, ten at a time, as an SDK's consumer does."""
    client, taken = Client(url), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ask = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600}
        messages = client.json("sqs", "AmazonSQS.ReceiveMessage", ask).get("Messages", [])
        if not messages:
            break
        entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
        delete = {"QueueUrl": queue, "Entries": entries}
        client.json("sqs", "AmazonSQS.DeleteMessageBatch", delete)
        taken += len(messages)
    return taken


def update(url, seconds):
    client, done = Client(url), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        client.json(
            "dynamodb",
            "DynamoDB_20120810.UpdateItem",
            {
                "TableName": "bench",
                "Key": {"id": {"S": f"{os.getpid()}-{done % 100}"}},
                "UpdateExpression": "SET progress = :p",
                "ExpressionAttributeValues": {":p": {"N": str(done)}},
            },
        )
        done += 1
    return done


def measure(emulator, messages):
    url = emulator.url
    client = Client(url)
    found = {"start, s": emulator.start_seconds, "memory at rest, MiB": emulator.memory_mib()}

    queue = client.json("sqs", "AmazonSQS.CreateQueue", {"QueueName": "bench"})["QueueUrl"]
    started = time.monotonic()
    in_parallel(fill, CONSUMERS, url, queue, messages // CONSUMERS)
    found["SQS, messages sent/s (8 senders, batches of 10)"] = messages / (time.monotonic() - started)
    started = time.monotonic()
    taken = in_parallel(consume, CONSUMERS, url, queue, WINDOW)
    found[f"SQS, messages/s (backlog of {messages}, 8 consumers)"] = taken / (time.monotonic() - started)

    client.call("s3", "PUT", "/bench")
    body = os.urandom(64 * MIB)
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        client.call("s3", "PUT", "/bench/big", data=body)
        seconds.append(time.monotonic() - started)
    found["S3, PUT of 64 MiB, MB/s"] = len(body) / 1e6 / statistics.median(seconds)
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        for start in range(0, len(body), 8 * MIB):
            wanted = {"range": f"bytes={start}-{start + 8 * MIB - 1}"}
            assert client.call("s3", "GET", "/bench/big", headers=wanted) == body[start : start + 8 * MIB]
        seconds.append(time.monotonic() - started)
    found["S3, GET in ranges of 8 MiB, MB/s"] = len(body) / 1e6 / statistics.median(seconds)

    client.json(
        "dynamodb",
        "DynamoDB_20120810.CreateTable",
        {
            "TableName": "bench",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        },
    )
    found["DynamoDB, UpdateItem/s (1 client)"] = update(url, 3.0) / 3.0
    found["DynamoDB, UpdateItem/s (8 clients)"] = in_parallel(update, CONSUMERS, url, 3.0) / 3.0
    found["memory after the load, MiB"] = emulator.memory_mib()
    return found


def table(results):
    kinds = list(results)
    lines = ["| | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for name in results[kinds[0]][0]:
        medians = [statistics.median(run[name] for run in results[kind]) for kind in kinds]
        cells = [f"{m:,.0f}" if m >= 100 else f"{m:.2g}" if m < 10 else f"{m:.1f}" for m in medians]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--ministack")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=20_000)
    options = parser.parse_args()
    programs = {"local": options.program}
    if options.ministack:
        programs["ministack"] = options.ministack
    results = {kind: [] for kind in programs}
    for number in range(options.rounds):
        order = list(programs)[:: 1 if number % 2 == 0 else -1]
        for kind in order:
            print(f"round {number + 1}: {kind}", file=sys.stderr, flush=True)
            emulator = Emulator(kind, programs[kind])
            try:
                results[kind].append(measure(emulator, options.messages))
            finally:
                emulator.stop()
    print(f"{options.rounds} rounds, medians; {os.cpu_count()} CPUs, {platform.machine()}\n")
    print(table(results))


if __name__ == "__main__":
    main()
