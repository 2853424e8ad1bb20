#!/usr/bin/env python3
"""Conservation: thousands of jobs through queue, processor, topic and mail while AWS fails at
random, workers are killed, and the store refuses everything for an hour of a moved clock; in the end
nothing is lost, nothing is double, nothing is left.

    soak.py PROGRAM [--jobs 2000] [--trouble 180] [--patience 110] [--seed N]

Prints the counts; exit status 1 if one is off. The logs stay in the folder that it names then.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "journey"))

from parcel import Parcel  # noqa: E402
from system import BUCKET, Local, System, clean_environment  # noqa: E402
from trouble import GRACE, Faults, Killer, Worker, until  # noqa: E402
from verdict import all_told, count_told, judge  # noqa: E402

# Short, so that what a dead worker held is soon there again.
FLAGS = ["--visibility", "4s", "--lease", "4s", "--grace", f"{GRACE}s"]
SERVICES = ["video-processor", "video-processor", "notification-service"]


def main():
    arguments = parse()
    folder = Path(tempfile.mkdtemp(prefix="fotograma-soak-"))
    off = ["it did not come to an end"]
    try:
        off = soak(arguments, folder)
    finally:
        if off:
            print(f"the logs are in {folder}")
        else:
            shutil.rmtree(folder)
    return 1 if off else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--trouble", type=int, default=180, help="seconds with trouble, at most")
    parser.add_argument("--patience", type=int, default=110, help="seconds to rest, at most")
    parser.add_argument("--kill-every", type=float, default=3.0, help="seconds between two kills")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


def soak(arguments, folder):
    """Runs it; gives what is off."""
    began = time.monotonic()
    program = arguments.program.resolve()
    print(f"seed {arguments.seed}", flush=True)
    parcel = Parcel(program, folder, arguments.jobs, arguments.seed)
    system = provisioned(program, folder).start()
    try:
        return run(arguments, began, folder, system, parcel)
    finally:
        system.stop()


def provisioned(program, folder):
    """The embedded AWS with everything in it, not started."""
    dev = System(program, folder, data_dir=folder / "aws").start()
    dev.stop()
    return Local(program, folder, data_dir=folder / "aws")


def run(arguments, began, folder, system, parcel):
    def say(what):
        print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)

    workers = [start(system, folder, number, name) for number, name in enumerate(SERVICES)]
    # The longer ones outlast the lease, the longest the SDK's patience.
    delays = [4_000, 35_000] if arguments.trouble >= 120 else [4_000]
    faults = Faults(system.aws_url, delays, arguments.seed)
    killer = Killer(workers, arguments.kill_every, arguments.seed)
    try:
        upload(system, parcel)
        faults.start()
        killer.start()
        bodies = parcel.messages()
        send(system, bodies)
        say(f"{len(bodies)} messages are sent")
        # In the middle of the work.
        until(lambda: count_told(system) >= arguments.jobs / 10, arguments.trouble / 4)
        faults.an_hour_without_store(system)
        say(f"S3 has refused all for an hour; {count_told(system)} jobs had ended before")
        until(lambda: all_told(system, parcel.jobs), arguments.trouble, pause=2)
        killer.stop()
        faults.stop()
        say("the trouble is over")
        quiet = until(lambda: is_quiet(system, parcel), arguments.patience, pause=1)
        say("all is quiet" if quiet else "patience is at its end")
    finally:
        statuses = [(worker, worker.end(signal.SIGTERM)) for worker in workers]
    lines, off = judge(system, parcel)
    off += [f"a {worker.service} ended with {status}" for worker, status in statuses if status != 0]
    off += check_workers(workers)
    if not quiet:
        off.append(f"not at rest after {arguments.patience} s")
    print("\n".join(lines + signals(workers)))
    for line in off[:50]:
        print(f"OFF: {line}")
    print(f"{len(off)} off" if off else "all is well")
    return off


def start(system, folder, number, service):
    environment = clean_environment(**system.credentials())
    log = folder / f"{number}-{service}.log"
    return Worker(system.program, service, log, environment, *FLAGS).start()


def upload(system, parcel):
    """All videos, before anything goes wrong."""
    s3 = system.aws("s3")

    def put(job):
        s3.put_object(Bucket=BUCKET, Key=job.key, Body=job.clip.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, parcel.jobs))


def send(system, bodies):
    sqs, url = system.aws("sqs"), system.queue_url("video-queue")
    for first in range(0, len(bodies), 10):
        entries = [
            {"Id": str(number), "MessageBody": body}
            for number, body in enumerate(bodies[first : first + 10])
        ]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        assert not answer.get("Failed"), answer


def is_quiet(system, parcel):
    waiting = system.waiting("video-queue", "notification-queue")
    return not waiting and all_told(system, parcel.jobs)


def check_workers(workers):
    """What is wrong with how the workers ended on the way."""
    off = []
    for worker in workers:
        late = [status for _, status in worker.statuses if status == "late"]
        off += [f"a {worker.service} did not end when asked to"] * len(late)
        if "panicked" in worker.log.read_text(errors="replace"):
            off.append(f"a {worker.service} panicked: {worker.log}")
    return off


def signals(workers):
    sent = [name for worker in workers for name, _ in worker.statuses]
    return [f"{name:<17} {sent.count(name)}" for name in ("SIGKILL", "SIGTERM")]


if __name__ == "__main__":
    sys.exit(main())
