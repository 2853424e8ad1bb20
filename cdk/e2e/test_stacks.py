"""A user's journey through the deployed stacks; then, whether each role was exactly enough."""

import io
import json
import re
import urllib.parse
import zipfile

import pytest
import requests
from conftest import until
from gate import ACCOUNT, as_list, covers

# Grants that no journey here uses, each with its reason.
UNUSED = {
    ("dead-letter", "dynamodb:PutItem"): "an outcome that a crash kept from being published",
    ("dead-letter", "sns:Publish"): "the same",
    ("process-video", "s3:AbortMultipartUpload"): "a zip of several parts that is given up halfway",
    ("process-video", "s3:GetObject"): "of a zip: a completion that got no answer is looked up",
    ("process-video", "s3:DeleteObject"): "a video that is deleted while its zip is written",
    ("process-video", "sqs:SendMessage", "video-queue"): "a job that meets its video in hand: the"
    " emulator starts one function at a time",
    ("sweep", "s3:DeleteObject"): "objects that came after their video was deleted, a while later",
    ("upload-complete", "sns:Publish"): "an outcome that a crash kept from being published",
    ("video-retry", "sns:Publish"): "the same",
    **dict.fromkeys(
        [
            ("auth-forgot", "cognito-idp:ForgotPassword"),
            ("auth-password", "cognito-idp:RespondToAuthChallenge"),
            ("auth-resend", "cognito-idp:ResendConfirmationCode"),
            ("auth-reset", "cognito-idp:ConfirmForgotPassword"),
        ],
        "needs a mailed code or a temporary password: stories and the journeys on the embedded AWS have them",
    ),
    **dict.fromkeys(
        [
            ("sweep", "s3:AbortMultipartUpload"),
            ("upload-abandon", "dynamodb:GetItem"),
            ("upload-abandon", "dynamodb:PutItem"),
            ("upload-abandon", "s3:AbortMultipartUpload"),
            ("upload-abandon", "s3:DeleteObject"),
            ("upload-complete", "s3:ListMultipartUploadParts"),
            ("upload-complete", "s3:PutObject"),
            ("upload-list-parts", "dynamodb:GetItem"),
            ("upload-list-parts", "s3:ListMultipartUploadParts"),
            ("upload-sign-parts", "dynamodb:GetItem"),
            ("upload-sign-parts", "s3:PutObject"),
            ("video-delete", "s3:AbortMultipartUpload"),
        ],
        "a file of more than 64 MiB: stories and the journeys on the embedded AWS send one in parts",
    ),
    **dict.fromkeys(
        [
            ("video-follow", "dynamodb:GetItem"),
            ("video-retry", "dynamodb:GetItem"),
            ("video-retry", "dynamodb:PutItem"),
            ("video-retry", "sqs:SendMessage", "video-queue"),
            ("videos-follow", "dynamodb:Query"),
        ],
        "done by stories and by the journeys on the embedded AWS, not here",
    ),
}


@pytest.fixture(scope="module")
def done(operator, video):
    """A video of six seconds, uploaded and made into frames."""
    video_id, url = operator.register(video)
    put = requests.put(url, data=video, headers={"Content-Type": "video/mp4"}, timeout=60)
    assert put.status_code == 200, put.text
    answer = operator.call("POST", f"/uploads/{video_id}/complete")
    assert answer.status_code in (200, 202), answer.text
    return operator.wait_for(video_id, "done", "failed")


def test_a_video_becomes_a_zip_of_its_frames(operator, done):
    assert done["status"] == "done", done
    answer = operator.call("GET", f"/videos/me/{done['video_id']}/download")
    assert answer.status_code in (302, 303, 307), answer.text
    content = requests.get(answer.headers["Location"], timeout=60).content
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert [n for n in names if n.endswith(".jpg")] == [f"frame_{i:05}.jpg" for i in range(1, 7)]


def test_who_has_no_token_or_a_forged_one_is_not_let_in(operator):
    token = operator.tokens["access_token"]
    forged = token[:-8] + ("A" * 8 if not token.endswith("A" * 8) else "B" * 8)
    assert operator.call("GET", "/auth/me", token=None).status_code == 401
    assert operator.call("GET", "/auth/me", token=forged).status_code == 401
    assert operator.call("GET", "/auth/me").status_code == 200


def test_a_wrong_password_is_refused(operator):
    credentials = {"username": operator.name, "password": "Senha124@"}
    answer = operator.call("POST", "/auth/login", token=None, json=credentials)
    assert answer.status_code == 401, answer.text


def test_a_token_is_refreshed(operator):
    refresh = {"refresh_token": operator.tokens["refresh_token"]}
    answer = operator.call("POST", "/auth/refresh", token=None, json=refresh)
    assert answer.status_code == 200, answer.text
    assert answer.json()["access_token"]


def test_a_newcomer_signs_up(user):
    newcomer = {"username": "zoe", "password": "Senha123@", "email": "zoe@example.com"}
    answer = user.call("POST", "/auth/signup", token=None, json=newcomer)
    assert answer.status_code in (200, 201, 202), answer.text
    code = {"username": "zoe", "code": "000000"}
    answer = user.call("POST", "/auth/confirm", token=None, json=code)
    assert answer.status_code in (200, 204, 400), answer.text


def test_others_do_not_see_it(user, done):
    assert user.call("GET", f"/videos/me/{done['video_id']}").status_code == 404
    assert user.call("GET", "/videos/me").json()["videos"] == []


def test_it_is_listed(operator, done):
    listed = operator.call("GET", "/videos/me").json()["videos"]
    assert done["video_id"] in [video["video_id"] for video in listed]


def test_what_operators_may_others_may_not(user, operator, done):
    notice = {"email": "a@example.com", "status": "done", "video_id": done["video_id"]}
    assert user.call("POST", "/notify", json=notice).status_code == 403
    assert operator.call("POST", "/notify", json=notice).status_code in (200, 202)


def test_completing_before_the_upload_is_there_is_said_to_be_too_early(operator, video):
    video_id, _ = operator.register(video)
    assert operator.call("POST", f"/uploads/{video_id}/complete").status_code == 409


def test_an_upload_that_nobody_completes_is_seen_by_the_buckets_event(operator, video):
    video_id, url = operator.register(video)
    requests.put(url, data=video, headers={"Content-Type": "video/mp4"}, timeout=60)
    assert operator.wait_for(video_id, "done", "failed")["status"] == "done"


def test_an_operator_has_a_video_done_again_and_fails_another(operator, video, done):
    path = f"/videos/me/{done['video_id']}"
    answer = operator.call("PATCH", path, json={"status": "queued"})
    assert answer.status_code == 200, answer.text
    operator.wait_for(done["video_id"], "done")
    video_id, _ = operator.register(video)
    answer = operator.call("PATCH", f"/videos/me/{video_id}", json={"status": "failed", "reason": "x"})
    assert answer.status_code in (200, 409), answer.text


def test_what_is_no_job_is_put_aside(queue):
    before = queue.holds("video-dlq")
    queue.send("video-queue", "not a job")
    until(lambda: queue.holds("video-dlq") > before, "the message is put aside")


def test_the_outcome_is_mailed_with_a_link_that_works(deployment, done):
    def mail():
        told = requests.get(f"{deployment.ministack.url}/_ministack/ses/messages", timeout=30)
        mails = told.json()["messages"].get(ACCOUNT, [])
        wanted = [m for m in mails if m["To"] == ["paulo@example.com"]]
        return wanted[0] if wanted else None

    assert done["status"] == "done"
    text = until(mail, "a mail to paulo")["BodyText"]
    # The same address stands in both languages.
    (link,) = set(re.findall(r"^http://\S+\.zip\?\S+$", text, re.MULTILINE))
    assert zipfile.is_zipfile(io.BytesIO(requests.get(link, timeout=60).content))


def sweep(deployment):
    functions = deployment.ministack.client("lambda")
    event = json.dumps({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
    answer = functions.invoke(FunctionName="tech5-dev-sweep", Payload=event.encode())
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_the_sweep_ends_an_upload_that_never_came(deployment, operator, video):
    video_id, _ = operator.register(video)

    def ended():
        sweep(deployment)
        answer = operator.call("GET", f"/videos/me/{video_id}")
        return answer.json()["status"] == "failed"

    until(ended, "the sweep gives it up")


def test_the_sweep_finds_an_upload_that_nobody_was_told_of(deployment, operator, video):
    video_id, url = operator.register(video)
    requests.put(url, data=video, headers={"Content-Type": "video/mp4"}, timeout=60)

    def done():
        sweep(deployment)
        answer = operator.call("GET", f"/videos/me/{video_id}")
        return answer.json()["status"] == "done"

    until(done, "the sweep queues it")


def job_of(video_id, url):
    return json.dumps({"video_id": video_id, "user_id": url.split("/uploads/")[1].split("/")[0]})


def test_a_job_that_was_given_up_is_sent_again(deployment, operator, queue, video):
    video_id, url = operator.register(video)
    queue.send("video-dlq", job_of(video_id, url))
    sent = ("dead-letter", "sqs:SendMessage")
    until(
        lambda: sent in {(call.principal, call.action) for call in deployment.gate.calls},
        "the job goes back to its queue",
    )


def test_a_job_whose_upload_has_not_come_does_no_harm(operator, queue, video):
    video_id, url = operator.register(video)
    queue.send("video-queue", job_of(video_id, url))
    until(lambda: queue.holds("video-queue") == 0, "the job is taken")
    answer = operator.call("GET", f"/videos/me/{video_id}")
    assert answer.json()["status"] == "awaiting_upload"


def test_a_video_that_has_ended_is_done_again_if_its_owner_wants(operator, done):
    path = f"/uploads/{done['video_id']}/complete"
    assert operator.call("POST", path, json={"retry": True}).status_code in (200, 202)
    operator.wait_for(done["video_id"], "done")


def test_news_of_an_upload_that_is_not_there_does_no_harm(operator, queue, video):
    video_id, url = operator.register(video)
    key = urllib.parse.urlsplit(url).path.split("/", 2)[2]
    bucket = {"name": "tech5-dev-videos"}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventVersion": "2.1"}
    record |= {"eventTime": "2026-01-01T00:00:00.000Z", "awsRegion": "us-east-1"}
    record |= {"s3": {"bucket": bucket, "object": {"key": key, "size": 1}}}
    queue.send("upload-queue", json.dumps({"Records": [record]}))
    until(lambda: queue.holds("upload-queue") == 0, "the news is taken")
    assert operator.call("GET", f"/videos/me/{video_id}").status_code == 200


def test_a_deleted_video_is_gone(operator, video):
    video_id, url = operator.register(video)
    requests.put(url, data=video, headers={"Content-Type": "video/mp4"}, timeout=60)
    operator.wait_for(video_id, "done")
    assert operator.call("DELETE", f"/videos/me/{video_id}").status_code in (200, 204)
    assert operator.call("GET", f"/videos/me/{video_id}").status_code == 404


def test_logging_out_ends_the_sessions(deployment, user):
    assert user.call("POST", "/auth/logout").status_code in (200, 204)


def figures(deployment, feature):
    """What a function has written for CloudWatch to take its figures from, in its log."""
    logs = deployment.ministack.client("logs")
    told = logs.filter_log_events(logGroupName=f"/aws/lambda/tech5-dev-{feature}", limit=1000)
    lines = [line for event in told["events"] for line in event["message"].splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{") and "CloudWatchMetrics" in line]


def test_figures_are_told_by_stage_as_alarms_ask_for_them(deployment, done):
    """The alarms of the stacks ask by namespace, name, stage and label."""
    assert done["status"] == "done"

    def jobs():
        for document in figures(deployment, "process-video"):
            for directive in document["_aws"]["CloudWatchMetrics"]:
                if "fotograma.jobs" in {metric["Name"] for metric in directive["Metrics"]}:
                    return document, directive
        return None

    document, directive = until(jobs, "the processor's figures are in its log")
    assert directive["Namespace"] == "fotograma"
    (dimensions,) = directive["Dimensions"]
    assert sorted(dimensions) == ["outcome", "stage"]
    assert (document["stage"], document["outcome"]) == ("dev", "done")


# Last: they look back at all that was done.


def test_no_role_was_denied_anything(deployment):
    assert len(deployment.gate.calls) > 50
    assert deployment.gate.denied() == []


def test_no_role_may_do_what_was_never_done(deployment):
    unused = set()
    for name, statements in deployment.roles.items():
        calls = [call for call in deployment.gate.calls if call.principal == name]
        grants = [(s, action) for s in statements for action in as_list(s["Action"])]
        for statement, action in grants:
            one = {**statement, "Action": action}
            if any(covers(one, call.action, call.resource) for call in calls):
                continue
            # Lambda itself writes logs, and polls the queue for the function.
            if not action.startswith("logs:") and action not in MAPPING:
                unused.add((name, action, *queue_of(statement)))
    assert unused - set(UNUSED) == set(), "grants that nothing used"
    assert set(UNUSED) - unused == set(), "named as unused, and used"


def queue_of(statement):
    """The short name of a statement's queue, if it is about one."""
    return re.findall(r"^arn:aws:sqs:.*:tech5-dev-(.*)$", str(statement["Resource"]))


MAPPING = {
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
}
