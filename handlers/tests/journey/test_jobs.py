"""Jobs put into the queue by hand: done, failed with a reason, or laid aside; never lost."""

import json
import uuid

import pytest
import requests

from clips import jpegs, rows
from people import User
from system import BUCKET
from waiting import until


@pytest.fixture
def new_id():
    return f"v-{uuid.uuid4().hex[:12]}"


def send(system, body, queue="video-queue"):
    """Puts a message into a queue."""
    body = body if isinstance(body, str) else json.dumps(body)
    system.aws("sqs").send_message(QueueUrl=system.queue_url(queue), MessageBody=body)


def fault(system, service, operation, **kind):
    """From now on, the embedded AWS does this to each such call."""
    rule = {"service": service, "operation": operation, **kind}
    requests.post(f"{system.aws_url}/_local/faults", json=rule, timeout=30).raise_for_status()


def put(user, video_id, content):
    """Puts an object where a user's video goes."""
    key = f"uploads/{user.id}/{video_id}"
    user.system.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
    return key


def job(user, video_id, **more):
    return {"video_id": video_id, "user_id": user.id, "email": user.email, **more}


def s3_event(key):
    """What S3 tells of a new object."""
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": BUCKET}, "object": {"key": key, "size": 1}},
    }
    return {"Records": [record]}


def envelope(message):
    """What SNS makes of a message on its way to a queue."""
    return {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": "arn:aws:sns:us-east-1:000000000000:uploads",
        "Message": json.dumps(message),
    }


def until_quiet(system):
    until(lambda: not system.waiting(), f"empty queues, not {system.waiting()}")


def lying_dead(system, body):
    """The message with this body on the dead-letter queue; it stays visible."""
    found = system.aws("sqs").receive_message(
        QueueUrl=system.queue_url("video-dlq"),
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageAttributeNames=["All"],
    )
    return next((m for m in found.get("Messages", []) if m["Body"] == body), None)


def dead_lettered(system, body):
    """The reason beside a message that was laid aside, which is then taken away for good."""
    until(lambda: not system.waiting("video-queue"), "an empty job queue")
    message = until(lambda: lying_dead(system, body), f"{body} on the dead-letter queue")
    # It can be looked at again and again.
    message = until(lambda: lying_dead(system, body), f"{body} still there")
    system.aws("sqs").delete_message(
        QueueUrl=system.queue_url("video-dlq"), ReceiptHandle=message["ReceiptHandle"]
    )
    return message["MessageAttributes"]["reason"]["StringValue"]


def test_a_job_by_hand(user, clips, new_id):
    put(user, new_id, clips.test_card().read_bytes())
    send(user.system, job(user, new_id, every_ms=500))
    done = user.until_ended(new_id)
    assert (done["status"], done["frames"], done["progress"]) == ("done", 6, 100)
    assert len(jpegs(user.frames(new_id))) == 6
    assert new_id in user.until_mailed()[0]["subject"]
    until_quiet(user.system)


@pytest.mark.parametrize("wrap", [lambda event: event, envelope], ids=["plain", "in an envelope"])
def test_an_s3_event_is_a_job(user, clips, new_id, wrap):
    key = put(user, new_id, clips.test_card().read_bytes())
    send(user.system, wrap(s3_event(key)))
    assert user.until_ended(new_id)["frames"] == 3
    assert len(jpegs(user.frames(new_id))) == 3
    until_quiet(user.system)


def test_s3s_own_test_event_is_no_trouble(user):
    send(user.system, {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET})
    until_quiet(user.system)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("not json", "not a job"),
        ("{}", "video_id"),
        ('{"video_id": "../../x", "user_id": "u"}', "cannot be part of a key"),
        ('{"video_id": "v", "user_id": "u", "every_ms": 0}', "every"),
        (json.dumps(s3_event("somewhere/else.mp4")), "not uploads/"),
    ],
)
def test_what_is_no_job_is_laid_aside_with_the_reason(user, body, why):
    send(user.system, body)
    assert why in dead_lettered(user.system, body)
    until_quiet(user.system)


def test_the_same_message_twice_is_one_zip_and_one_mail(new_system, clips, new_id):
    user = User(new_system().start()).join()
    system = user.system
    s3, table = system.aws("s3"), system.aws("dynamodb")

    def state():
        """What would differ if it had been done again."""
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"frames/{user.id}/{new_id}")["Contents"]
        [zip] = [one for one in found if one["Key"].endswith(".zip")]
        record = table.get_item(TableName="tech5-dev-video-status", Key={"video_id": {"S": new_id}})
        assert record["Item"]["zip_key"] == {"S": zip["Key"]}
        folder = zip["Key"].removesuffix(".zip")
        beside = [f"{folder}/{name}" for name in ("poster.jpg", "storyboard.jpg", "storyboard.vtt")]
        assert sorted(one["Key"] for one in found if one is not zip) == beside
        named = [record["Item"][name]["S"] for name in ("poster_key", "storyboard_key")]
        assert named == [beside[0], beside[2]]
        return zip["LastModified"], zip["ETag"], record["Item"]

    put(user, new_id, clips.test_card().read_bytes())
    for _ in range(2):
        send(system, job(user, new_id))
    assert user.until_ended(new_id)["status"] == "done"
    user.until_mailed()
    until_quiet(system)
    once = state()

    system.advance_clock(10)
    send(system, job(user, new_id))
    until_quiet(system)
    assert state() == once
    assert len(user.until_mailed()) == 1
    # A zip made now would be told apart by its time.
    s3.put_object(Bucket=BUCKET, Key="now", Body=b"")
    assert s3.head_object(Bucket=BUCKET, Key="now")["LastModified"] > once[0]


def test_the_same_notice_twice_at_once_is_one_mail(new_system, clips, new_id):
    user = User(new_system().start()).join()
    system = user.system
    put(user, new_id, clips.test_card().read_bytes())
    send(system, job(user, new_id))
    user.until_mailed()

    fault(system, "ses", "SendEmail", kind="delay", delay_ms=1_000)
    notice = {"notice_id": "n1", "video_id": new_id, "user_id": user.id, "email": user.email}
    for _ in range(2):
        send(system, {**notice, "status": "failed", "reason": "not today"}, "notification-queue")
    until_quiet(system)
    assert len(user.until_mailed(2)) == 2


BROKEN = {
    "only sound": (lambda clips: clips.sound().read_bytes(), "no video in it, only sound"),
    "no video": (lambda clips: b"This is a text.\n" * 200, "not a video in a format we know"),
    "empty": (lambda clips: b"", "The file is empty."),
    "not there": (lambda clips: None, "the uploaded file is not there"),
}


@pytest.mark.parametrize(("make", "reason"), BROKEN.values(), ids=BROKEN)
def test_what_gives_no_frames_fails_with_its_reason(user, clips, new_id, make, reason):
    content = make(clips)
    if content is not None:
        put(user, new_id, content)
    send(user.system, job(user, new_id))
    check_failed(user, new_id, reason)


def test_a_damaged_video_gives_its_frames_and_a_warning_everywhere(user, clips, new_id):
    put(user, new_id, clips.cut().read_bytes())
    send(user.system, job(user, new_id))
    ended = user.until_ended(new_id)
    assert ended["status"] == "done"
    assert "damaged or incomplete" in ended["warning"]
    [mail] = user.until_mailed()
    assert ended["warning"] in mail["text"]
    with user.frames(new_id) as zipped:
        assert 1 <= len(jpegs(zipped)) == ended["frames"] < 6
        header, lines = rows(zipped)
    assert header == ["file", "seconds", "at", "warning"]
    assert [line[3] for line in lines] == [ended["warning"], *[""] * (len(lines) - 1)]


def test_who_wants_no_frames_of_a_damaged_video_gets_none(user, clips, new_id):
    put(user, new_id, clips.cut().read_bytes())
    send(user.system, job(user, new_id, strict=True))
    check_failed(user, new_id, "damaged or incomplete")


def test_pictures_are_made_as_the_job_asks(user, clips, new_id):
    put(user, new_id, clips.test_card().read_bytes())
    send(user.system, job(user, new_id, format="png", repeat=True))
    assert user.until_ended(new_id)["options"]["format"] == "png"
    with user.frames(new_id) as zipped:
        assert zipped.read("frame_00001.png").startswith(b"\x89PNG")


def test_too_many_frames_are_a_failure(new_system, clips, new_id):
    user = User(new_system(FOTOGRAMA_MAX_FRAMES="5").start()).join()
    put(user, new_id, clips.test_card().read_bytes())
    send(user.system, job(user, new_id, every_ms=100))
    check_failed(user, new_id, "more than 5 frames")
    put(user, f"{new_id}-few", clips.test_card().read_bytes())
    send(user.system, job(user, f"{new_id}-few"))
    assert user.until_ended(f"{new_id}-few")["status"] == "done"


def check_failed(user, video_id, reason):
    """Failed with this reason, mailed once, no zip, and nothing left in the queues."""
    ended = user.until_ended(video_id)
    assert ended["status"] == "failed"
    assert reason in ended["reason"]
    mails = user.until_mailed()
    until_quiet(user.system)
    assert [ended["reason"] in mail["text"] for mail in mails] == [True]
    assert user.ask(video_id, "/download").status_code == 409
    frames = user.system.aws("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"frames/{user.id}/")
    assert frames["KeyCount"] == 0


@pytest.mark.parametrize("error", ["InternalError", "AccessDenied"])
def test_a_job_waits_while_the_store_is_down_and_is_done_after(new_system, clips, new_id, error):
    """A fault of ours ends no video and mails nobody, even when SQS gives the message up."""
    user = User(new_system().start()).join()
    system = user.system
    give_up_after(system, receives=2)
    put(user, new_id, clips.test_card().read_bytes())
    status = 403 if error == "AccessDenied" else 500
    for operation in ("PutObject", "CreateMultipartUpload"):
        fault(system, "s3", operation, kind="error", code=error, status=status)
    send(system, job(user, new_id))
    stored = lambda: user.system.aws("dynamodb").get_item(
        TableName="tech5-dev-video-status", Key={"video_id": {"S": new_id}}, ConsistentRead=True
    ).get("Item", {"version": {"N": "0"}})
    until(lambda: int(stored()["version"]["N"]) >= 6, "three attempts")
    assert user.video(new_id)["status"] == "processing"

    requests.delete(f"{system.aws_url}/_local/faults", timeout=30).raise_for_status()
    until(lambda: user.video(new_id)["status"] == "done", "the job, once the store is back")
    assert len(user.until_mailed()) == 1
    until_quiet(system)


def give_up_after(system, receives):
    """Lets the job queue give a message up after so many receives; else a test would be long."""
    sqs, url = system.aws("sqs"), system.queue_url("video-queue")
    has = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    policy = {**json.loads(has["RedrivePolicy"]), "maxReceiveCount": receives}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy)})
