"""Processors that cannot make frames, beside others that can: as processes of their own."""

import json
import shutil
import socket
import subprocess

import pytest
import requests

from system import BUCKET, SERVICES, Local, clean_environment, free_ports
from waiting import until

USER = "0190a6a0-7c1e-7000-8000-000000000001"
JOBS = 20
STOP_SECONDS = 40


@pytest.fixture
def local(program, tmp_path):
    """The embedded AWS with all that the system needs."""
    system = Local(program, tmp_path).start()
    environment = clean_environment(**system.credentials())
    subprocess.run([program, "provision"], env=environment, check=True, capture_output=True)
    yield system
    system.stop()


@pytest.fixture
def ffmpeg(tmp_path):
    """A place for ffmpeg, which can be taken away."""
    place = tmp_path / "ffmpeg"
    place.symlink_to(shutil.which("ffmpeg"))
    return place


@pytest.fixture
def run(local, tmp_path):
    """Starts `fotograma …`; what still runs is ended afterwards, and must end in time."""
    started = []

    def start(*arguments):
        with (tmp_path / f"{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [local.program, *map(str, arguments)],
                env=clean_environment(**local.credentials()),
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            # 1: not all that it had in hand was finished, as it could not be.
            assert process.wait(timeout=STOP_SECONDS) in (0, 1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def send_jobs(system, clip):
    """Puts videos into the bucket and their jobs into the queue; gives the videos' ids."""
    s3, sqs = system.aws("s3"), system.aws("sqs")
    names = [f"video-{number:02}" for number in range(JOBS)]
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=f"uploads/{USER}/{name}", Body=clip.read_bytes())
        body = json.dumps({"video_id": name, "user_id": USER, "email": f"{name}@example.com"})
        sqs.send_message(QueueUrl=system.queue_url("video-queue"), MessageBody=body)
    return names


def statuses(system):
    items = system.aws("dynamodb").scan(TableName="tech5-dev-video-status")["Items"]
    return {item["video_id"]["S"]: item["status"]["S"] for item in items}


def answer(port, path):
    """Status and text; nothing while nobody listens."""
    try:
        got = requests.get(f"http://127.0.0.1:{port}{path}", timeout=10)
    except requests.ConnectionError:
        return None, ""
    return got.status_code, got.text


def test_what_a_worker_without_ffmpeg_leaves_the_other_does(local, run, ffmpeg, clips):
    work = ["work", "video-processor", "--probes"]
    broken, sound = free_port(), free_port()
    run(*work, f"127.0.0.1:{broken}", "--ffmpeg", ffmpeg)
    until(lambda: answer(broken, "/readyz")[0] == 200, "the worker that will be broken")
    ffmpeg.unlink()
    names = send_jobs(local, clips.test_card(seconds=1))
    # It has taken jobs, and says that it can do none.
    until(lambda: answer(broken, "/readyz")[0] == 503, "word of it")
    assert "ffmpeg" in answer(broken, "/readyz")[1]
    assert answer(broken, "/livez")[0] == 200
    figures = answer(broken, "/metrics")[1]
    assert 'fotograma_faults_total{class="operational"}' in figures

    run(*work, f"127.0.0.1:{sound}")
    done = {name: "done" for name in names}
    until(lambda: statuses(local) == done, "all done", 120)
    assert answer(sound, "/readyz")[0] == 200
    until(lambda: local.waiting("video-queue", "video-dlq") == {}, "no job and no dead letter")
    assert local.waiting("notification-queue") == {"notification-queue": JOBS}, "one notice each"


@pytest.mark.parametrize("command", [["work", "video-processor"], ["serve", "video-processor", "--work"]])
def test_a_processor_without_ffmpeg_does_not_start(local, run, tmp_path, command):
    base, _ = free_ports()
    if command[0] == "serve":
        command = [*command, "--http-port-base", base]
    process = run(*command, "--ffmpeg", tmp_path / "nothing")
    assert process.wait(timeout=30) == 1
    assert "no frames can be made" in (tmp_path / "0.log").read_text()


def test_a_server_that_also_works_tells_when_it_cannot(local, run, ffmpeg, clips):
    base, _ = free_ports()
    port = base + SERVICES.index("video-processor")
    run("serve", "video-processor", "--work", "--http-port-base", base, "--ffmpeg", ffmpeg)
    until(lambda: answer(port, "/readyz")[0] == 200, "the server")
    ffmpeg.unlink()
    send_jobs(local, clips.test_card(seconds=1))
    until(lambda: answer(port, "/readyz")[0] == 503, "word of it")
    assert "ffmpeg" in answer(port, "/readyz")[1]
    assert answer(port, "/livez")[0] == 200
    assert "failed" not in statuses(local).values()


def test_dev_without_ffmpeg_says_so_and_lets_jobs_wait(new_system, tmp_path, clips):
    system = new_system("--ffmpeg", str(tmp_path / "nothing")).start()
    port = system.base + SERVICES.index("video-processor")
    until(lambda: "no frames can be made" in system.stderr(), "word of it in the log")
    status, why = until(lambda: (got := answer(port, "/readyz"))[0] and got, "an answer")
    assert (status, "no frames can be made" in why) == (503, True)
    for service in SERVICES[:-1]:
        assert answer(system.base + SERVICES.index(service), "/readyz")[0] == 200, service
    names = send_jobs(system, clips.test_card(seconds=1))
    until(lambda: statuses(system), "a job that was tried")
    assert "failed" not in statuses(system).values()
    assert len(names) == JOBS
