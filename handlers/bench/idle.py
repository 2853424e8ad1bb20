"""A queue that is always empty, and counts how often it is asked."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Idle:
    """Lets all consumers poll for so many seconds, each a queue of its own."""

    def __init__(self, seconds):
        self.seconds = seconds

    def measure(self, consumers):
        """Receives in a minute, by the consumers' names."""
        asked = [0] * len(consumers)
        over = threading.Event()
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(asked, over))
        server.daemon_threads = True
        # Who is killed in the middle of a poll leaves the connection as it is.
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        running = [
            consumer.start(f"{endpoint}/000000000000/{number}", endpoint)
            for number, consumer in enumerate(consumers)
        ]
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        time.sleep(self.seconds)
        counts = [round(count * 60 / self.seconds) for count in asked]
        over.set()
        for process in running:
            process.kill()
            process.wait()
        server.shutdown()
        return {c.name: count for c, count in zip(consumers, counts, strict=True)}


def handler(asked, over):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            length = int(self.headers["content-length"])
            request = json.loads(self.rfile.read(length))
            answer = {}
            if self.headers["x-amz-target"].endswith("ReceiveMessage"):
                asked[int(request["QueueUrl"].rsplit("/", 1)[1])] += 1
                over.wait(request.get("WaitTimeSeconds", 0))
            else:
                answer = {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:bench"}}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-type", "application/x-amz-json-1.0")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler
