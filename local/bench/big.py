"""Brings 5 GiB, the most that S3 takes in one request, there and back, and tells the peak memory.

    big.py PROGRAM [--gib 5]

Once by one PUT and once by parts of 64 MiB. The bytes come from a generator and are compared as
they return, so that neither side ever holds them. The data folder is removed at the end.
"""

import argparse
import os
import platform
import time
from pathlib import Path
from urllib.parse import quote

from bench import MIB, Emulator
from client import Client

PART = 64 * MIB
BLOCK = os.urandom(MIB)


def blocks(start, length):
    """The content from a multiple of 1 MiB on: each block differs, none is remembered."""
    for number in range(start // MIB, (start + length) // MIB):
        yield number.to_bytes(8, "big") + BLOCK[8:]


def put(client, path, query, start, length):
    """Sends a body that never exists as a whole; gives its ETag."""
    response = client.send("s3", "PUT", path, query, blocks(start, length), {"content-length": str(length)})
    response.read()
    return response.headers["etag"]


def put_whole(client, path, size):
    put(client, path, "", 0, size)


def put_parts(client, path, size):
    answer = client.call("s3", "POST", path, "uploads=").decode()
    upload = quote(answer.partition("<UploadId>")[2].partition("</UploadId>")[0], safe="")
    listed = ""
    for number, start in enumerate(range(0, size, PART), 1):
        length = min(PART, size - start)
        etag = put(client, path, f"partNumber={number}&uploadId={upload}", start, length)
        listed += f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
    document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
    client.call("s3", "POST", path, f"uploadId={upload}", document.encode())


def get(client, path, size):
    response = client.send("s3", "GET", path)
    for expected in blocks(0, size):
        assert response.read(MIB) == expected, "what came back is not what was sent"
    assert not response.read(), "more came back than was sent"


def peak_mib(emulator):
    status = Path(f"/proc/{emulator.process.pid}/status").read_text()
    return int(next(l.split()[1] for l in status.splitlines() if l.startswith("VmHWM:"))) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--gib", type=int, default=5)
    options = parser.parse_args()
    size = options.gib << 30
    emulator = Emulator("local", options.program)
    try:
        client = Client(emulator.url)
        client.call("s3", "PUT", "/bench")
        print(f"{options.gib} GiB; {os.cpu_count()} CPUs, {platform.machine()}\n")
        print("| | PUT, MB/s | GET, MB/s | peak memory, MiB |\n|---|---|---|---|")
        print(f"| at rest | | | {peak_mib(emulator):.1f} |", flush=True)
        for name, upload in (("one PUT", put_whole), ("parts of 64 MiB", put_parts)):
            speeds = []
            for step in (upload, get):
                started = time.monotonic()
                step(client, "/bench/big", size)
                speeds.append(f"{size / 1e6 / (time.monotonic() - started):.0f}")
            print(f"| {name} | {' | '.join(speeds)} | {peak_mib(emulator):.1f} |", flush=True)
            client.call("s3", "DELETE", "/bench/big")
    finally:
        emulator.stop()


if __name__ == "__main__":
    main()
