"""What operators see of the system, and what it does not let anybody do to it."""

import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from people import User
from system import SERVICES
from waiting import until

# A span in OTLP's protocol buffers: the ids of trace, span and parent, then kind and name.
SPAN = re.compile(
    rb"\x0a\x10(?P<trace>.{16})\x12\x08(?P<span>.{8})(?:\x22\x08(?P<parent>.{8}))?"
    rb"\x2a.(?P<name>request|messages|job)",
    re.DOTALL,
)


@pytest.fixture
def collector():
    """A trace collector: its address, and the bodies that were sent to it."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


def figures(system, service="video-processor"):
    """What `/metrics` tells: a figure for each name with its labels."""
    answer = requests.get(system.url(service) + "/metrics", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_the_figures_of_a_job(new_system, clips):
    system = new_system().start()
    user = User(system).join()
    user.until_ended(user.upload(clips.test_card(seconds=3)))
    user.until_mailed()
    until(lambda: not system.waiting(), "empty queues")

    told = figures(system)
    assert told['fotograma_jobs_total{outcome="done"}'] == 1
    assert told["fotograma_frames_total"] == 3
    assert told["fotograma_read_bytes_total"] > 0 < told["fotograma_written_bytes_total"]
    assert told['messaging_worker_slots_busy{feature="process-video"}'] == 0
    for phase in ("waiting", "extracting"):
        assert told[f'fotograma_job_duration_seconds_count{{phase="{phase}"}}'] == 1
    for feature in ("process-video", "notify-mail"):
        assert told[f'messaging_client_consumed_messages_total{{feature="{feature}"}}'] == 1
    requested = [name for name in told if name.startswith("http_server_request_duration_seconds_c")]
    assert any('http_route="/auth/login"' in name for name in requested)
    assert not any(user.id in name for name in told), "no user is a label"
    for service in SERVICES:
        assert figures(system, service)["http_server_active_requests"] == 0


def test_an_upload_is_one_trace_until_the_mail(new_system, clips, collector):
    address, bodies = collector
    system = new_system(OTEL_EXPORTER_OTLP_ENDPOINT=address).start()
    user = User(system).join()
    video_id = user.upload(clips.test_card())
    assert user.until_ended(video_id)["status"] == "done"
    user.until_mailed()
    system.stop()

    spans = [match.groupdict() for body in bodies for match in SPAN.finditer(body)]
    names = {span["span"]: span["name"] for span in spans}
    (job,) = [span for span in spans if span["name"] == b"job"]
    trace = [span for span in spans if span["trace"] == job["trace"]]
    # The request that completed the upload, the job's message, the job, the notice's message.
    assert sorted(span["name"] for span in trace) == [b"job", b"messages", b"messages", b"request"]
    parents = sorted(names.get(span["parent"], b"") for span in trace)
    assert parents == [b"", b"job", b"messages", b"request"]


def test_logs_have_ids_and_no_secrets(new_system, clips):
    system = new_system(RUST_LOG="info").start()
    user = User(system).join()
    video_id = user.upload(clips.test_card())
    user.until_ended(video_id)
    failed = user.upload(clips.sound())
    assert user.until_ended(failed)["status"] == "failed"
    user.until_mailed()
    user.auth("login", username=user.name, password="wrong")
    user.download(video_id)
    system.stop()
    log = system.stderr()
    for known in (video_id, failed, user.id, "message_id", "attempt"):
        assert known in log, known
    secrets = [*user.tokens.values(), user.password, user.email, "X-Amz-Signature", "Bearer "]
    for secret in map(str, secrets):
        assert len(secret) < 5 or secret not in log, f"{secret} in the log"


@pytest.mark.parametrize(
    "headers",
    [{"X-Long": "a" * 200_000}, {f"X-Many-{n}": "a" for n in range(150)}],
    ids=["long", "many"],
)
def test_a_head_has_its_limits(system, headers):
    with socket.create_connection(("127.0.0.1", system.base)) as client:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        client.sendall(f"GET /livez HTTP/1.1\r\nHost: a\r\n{head}\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 431 ")


def test_one_request_too_many_is_told_to_wait(new_system):
    system = new_system("--max-requests", "1").start()
    user = User(system, "paulo", "Senha123@").log_in()
    bearer = f"Authorization: Bearer {user.tokens['access_token']}"
    port = system.base + SERVICES.index("video-uploader")

    def create():
        return user.call("POST", "video-uploader", "/uploads", json={})

    with socket.create_connection(("127.0.0.1", port)) as slow:
        # A body that is not whole yet holds the only slot.
        head = f"POST /uploads HTTP/1.1\r\nHost: a\r\n{bearer}\r\nContent-Length: 10\r\n\r\n"
        slow.sendall(f"{head}{{".encode())
        held = lambda: figures(system, "video-uploader")["http_server_active_requests"] == 1
        until(held, "the slow request in its slot")
        until(lambda: create().status_code == 503, "a refusal")
        refused = create()
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["content-type"] == "application/problem+json"
        assert user.call("GET", "video-uploader", "/livez", token="").status_code == 200
    until(lambda: create().status_code == 400, "the slot to be free again")


def test_a_topic_that_nobody_knows_is_refused_by_http(system):
    answer = requests.post(
        system.url("notification-service") + "/",
        headers={"x-amz-sns-message-type": "Notification"},
        json={
            "Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:us-east-1:1:other",
            "Message": "{}", "Timestamp": "2026-01-01T12:00:00.000Z", "SignatureVersion": "1",
            "Signature": "", "SigningCertURL": "https://sns.us-east-1.amazonaws.com/a.pem",
        },
        timeout=30,
    )  # fmt: skip
    assert answer.status_code == 403
