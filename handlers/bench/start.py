#!/usr/bin/env python3
"""Measures a function's start: from the process to its first question for an invocation.

    start.py PROGRAM BARE [--runs 50] [--feature NAME…]

BARE is the least that a function can be. Everybody has a turn in each round; medians are told.
"""

import argparse
import os
import queue
import re
import signal
import socket
import statistics
import sys
import threading
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


def answer(connection, asked_next):
    """Answers one connection of the function as Lambda would, until it asks for an invocation.

    <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>: the registration of
    an extension is answered at once; its next event, like the next invocation, does not come.
    """
    with connection:
        request = b""
        while chunk := connection.recv(4096):
            request += chunk
            head, end, body = request.partition(b"\r\n\r\n")
            if not end:
                continue
            if head.startswith(b"GET ") and b"/invocation/next " in head:
                asked_next.put(time.perf_counter())
                # Nothing comes until the function is gone, whose end closes the connection.
                connection.recv(1)
                return
            if head.startswith(b"POST ") and b"/extension/register " in head:
                length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
                if len(body) < length:
                    continue
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: bench\r\n"
                    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                )
                request = b""
            elif not (head.startswith(b"GET ") and b"/extension/event/next " in head):
                asked_next.put(RuntimeError(f"an unexpected request: {request!r}"))
                return


def accept(server, asked_next):
    """Answers every connection until the listener is shut down."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(connection, asked_next), daemon=True).start()


def start(program, feature):
    """Milliseconds from the process's start to its first question for an invocation, and of CPU time."""
    asked_next = queue.Queue()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        threading.Thread(target=accept, args=(server, asked_next), daemon=True).start()
        environment = {**ENVIRONMENT, "AWS_LAMBDA_RUNTIME_API": address, "_HANDLER": feature}
        began = time.perf_counter()
        pid = os.posix_spawn(program, [program], environment)
        try:
            ended = asked_next.get(timeout=10)
        finally:
            os.kill(pid, signal.SIGKILL)
            usage = os.wait4(pid, 0)[2]
            server.shutdown(socket.SHUT_RDWR)
    if isinstance(ended, Exception):
        raise ended
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
