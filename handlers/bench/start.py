#!/usr/bin/env python3
"""Measures a function's start: from the process to its first question for an invocation.

    start.py PROGRAM BARE [--runs 50] [--feature NAME…]

BARE is the least that a function can be. Everybody has a turn in each round; medians are told.
"""

import argparse
import os
import signal
import socket
import statistics
import sys
import time
from pathlib import Path

FEATURES = ["auth-login", "video-list", "process-video", "notify-mail"]
# What Lambda sets (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>).
ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
    "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SESSION_TOKEN": "test",
    "AWS_REGION": "us-east-1",
    "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
}


def start(program, feature):
    """Milliseconds from the process's start to its first request, and its CPU time in them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        environment = {**ENVIRONMENT, "AWS_LAMBDA_RUNTIME_API": address, "_HANDLER": feature}
        began = time.perf_counter()
        pid = os.posix_spawn(program, [program], environment)
        server.settimeout(10)
        try:
            connection, _ = server.accept()
            asked = connection.recv(4096)
            ended = time.perf_counter()
            connection.close()
        finally:
            os.kill(pid, signal.SIGKILL)
            usage = os.wait4(pid, 0)[2]
    assert b"/invocation/next" in asked, asked
    return 1_000 * (ended - began), 1_000 * (usage.ru_utime + usage.ru_stime)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("bare", type=Path)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--feature", nargs="+", default=FEATURES)
    arguments = parser.parse_args()
    turns = [("bare lambda_runtime", arguments.bare, "bare")]
    turns += [(feature, arguments.program, feature) for feature in arguments.feature]
    times = {name: [] for name, _, _ in turns}
    for number in range(arguments.runs + 2):
        for name, program, feature in turns:
            figures = start(str(program.resolve()), feature)
            # The first rounds fill the machine's cache of files.
            if number >= 2:
                times[name].append(figures)
    bare = statistics.median(wall for wall, _ in times[turns[0][0]])
    print("| function | start, ms (median) | p90 | CPU, ms | times the bare one |")
    print("|---|---|---|---|---|")
    for name, program, _ in turns:
        walls, cpus = zip(*times[name], strict=True)
        median, p90 = statistics.median(walls), statistics.quantiles(walls, n=10)[8]
        cells = f"{median:.1f} | {p90:.1f} | {statistics.median(cpus):.1f} | {median / bare:.1f}"
        print(f"| {name} ({program.stat().st_size / 1e6:.1f} MB) | {cells} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
