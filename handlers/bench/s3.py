#!/usr/bin/env python3
"""Measures a job, from its message to its zip in S3, against `extract` on the same local file.

    s3.py PROGRAM VIDEO [--every 1s] [--rounds 3]

The embedded AWS, in memory-backed files, plays S3. Both have a turn in each round.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/journey"))

from system import BUCKET, System  # noqa: E402

TABLE = "tech5-dev-video-status"


def job(system, number, every):
    """Seconds from the message to the record that says done."""
    video_id = f"bench-{number}"
    body = {"video_id": video_id, "user_id": "bench", "key": "uploads/bench/video", "every": every}
    table, sqs = system.aws("dynamodb"), system.aws("sqs")
    began = time.monotonic()
    sqs.send_message(QueueUrl=system.queue_url("video-queue"), MessageBody=json.dumps(body))
    while True:
        record = table.get_item(TableName=TABLE, Key={"video_id": {"S": video_id}}).get("Item", {})
        status = record.get("status", {}).get("S")
        assert status != "failed", record
        if status == "done":
            return time.monotonic() - began
        time.sleep(0.05)


def extract(program, video, folder, every):
    """Seconds for the same without AWS."""
    zip_path = folder / "local.zip"
    words = [program, "extract", video, "--every", every, "-o", zip_path, "--force", "--json"]
    began = time.monotonic()
    subprocess.run(words, check=True, capture_output=True)
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--every", default="1s")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    program, video = arguments.program.resolve(), arguments.video.resolve()
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        folder = Path(folder)
        system = System(program, folder, TMPDIR=str(folder)).start()
        try:
            system.aws("s3").upload_file(str(video), BUCKET, "uploads/bench/video")
            times = {"local": [], "s3": []}
            for number in range(arguments.rounds):
                times["local"].append(extract(program, video, folder, arguments.every))
                times["s3"].append(job(system, number, arguments.every))
            peak = system.peak_rss_mib()
        finally:
            system.stop()
    local, s3 = (statistics.median(times[way]) for way in ("local", "s3"))
    print("| clip | every | extract, s | S3 to S3, s | ratio | peak memory of `dev`, MiB |")
    print("|---|---|---|---|---|---|")
    cells = f"{local:.1f} | {s3:.1f} | {s3 / local:.2f} | {peak:.0f}"
    print(f"| {video.name} | {arguments.every} | {cells} |")


if __name__ == "__main__":
    main()
