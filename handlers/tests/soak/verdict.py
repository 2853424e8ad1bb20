"""What must be true in the end, counted."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import requests

from parcel import contents
from system import BUCKET

TABLE = "tech5-dev-video-status"
# A job that was cut off again and again may end so; the user is told and can try again.
GIVEN_UP = ["several times", "was cut off"]


def records(system):
    """The records of all videos, by id."""
    pages = system.aws("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
    items = [item for page in pages for item in page["Items"]]
    return {item["video_id"]["S"]: plain(item) for item in items}


def plain(item):
    """A record without DynamoDB's types."""
    return {name: next(iter(value.values())) for name, value in item.items()}


def all_told(system, jobs):
    """Whether every job has ended and been published."""
    known = records(system)
    return all(is_told(known.get(job.video_id, {})) for job in jobs)


def count_told(system):
    """How many jobs have ended and been published."""
    return sum(map(is_told, records(system).values()))


def is_told(record):
    return record.get("status") in ("done", "failed") and not record.get("unpublished")


def dead_letters(system, queue):
    """All bodies on a dead-letter queue, which are taken away."""
    sqs, url = system.aws("sqs"), system.queue_url(queue)
    bodies = []
    while True:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600)
        messages = found.get("Messages", [])
        if not messages:
            return bodies
        bodies += [message["Body"] for message in messages]


def judge(system, parcel):
    """The counts, and what is off among them: two lists of lines."""
    known = records(system)
    counts, off = Counter(), []
    with ThreadPoolExecutor(8) as pool:
        zips = list(pool.map(lambda job: fetch(system, known.get(job.video_id)), parcel.jobs))
    mails = mailed(system, len(parcel.jobs))
    for job, zipped in zip(parcel.jobs, zips, strict=True):
        kind, wrong = judge_job(job, known.get(job.video_id), zipped, mails[job.email])
        counts[kind] += 1
        counts["mails"] += mails[job.email]
        off += [f"{job.video_id} ({job.clip.name}): {line}" for line in wrong]
    left = system.waiting("video-queue", "notification-queue", "notification-dlq")
    off += [f"{count} messages left in {queue}" for queue, count in left.items()]
    dead = Counter(dead_letters(system, "video-dlq"))
    off += [f"no dead letter: {body}" for body in parcel.poison if body not in dead]
    off += [f"a dead letter: {body}" for body in dead if body not in parcel.poison]
    strangers = set(known) - {job.video_id for job in parcel.jobs}
    off += [f"a record of nobody's: {video_id}" for video_id in sorted(strangers)]
    lines = [
        f"jobs              {len(parcel.jobs)}, {len(parcel.twice)} of them sent twice",
        f"done              {counts['done']}, every zip whole and with the frames it must have",
        f"failed            {counts['failed']} with the reason, {counts['given up']} given up",
        f"neither           {counts['lost']}",
        f"mails             {counts['mails']}",
        f"dead letters      {sum(dead.values())}, poison sent {len(parcel.poison)}",
        f"left in queues    {sum(left.values())}",
    ]
    return lines, off


def judge_job(job, record, zipped, mails):
    """How a job ended, and what is wrong with that."""
    if record is None or not is_told(record):
        return "lost", [f"ended as {json.dumps(record)}"]
    wrong = [] if mails == 1 else [f"{mails} mails"]
    reason = record.get("reason", "")
    if record["status"] == "failed":
        if any(words in reason for words in GIVEN_UP):
            return "given up", wrong
        if job.reason is None or job.reason not in reason:
            wrong.append(f"failed: {reason!r}")
        return "failed", wrong
    if job.frames is None:
        wrong.append("done, although there is nothing in it")
    elif zipped is None or contents(zipped) != job.frames:
        wrong.append("the zip is not whole, or not the one that it should be")
    elif int(record["frames"]) != len([name for name, _ in job.frames if "frame_" in name]):
        wrong.append(f"{record['frames']} frames in the record")
    return "done", wrong


def fetch(system, record):
    """The zip that a record names, if it is there."""
    key = (record or {}).get("zip_key")
    if key is None:
        return None
    url = f"{system.aws_url}/{BUCKET}/{key}"
    s3 = system.aws("s3")
    # AWS's clock is an hour ahead of the one that signs.
    wanted = {"Bucket": BUCKET, "Key": key}
    signed = s3.generate_presigned_url("get_object", wanted, ExpiresIn=24 * 3_600)
    assert signed.startswith(url)
    answer = requests.get(signed, timeout=60)
    return answer.content if answer.status_code == 200 else None


def mailed(system, most):
    """How many mails went to each address."""
    query = {"limit": 10 * most + 1_000}
    answer = requests.get(f"{system.aws_url}/_local/mail", params=query, timeout=60)
    answer.raise_for_status()
    return Counter(mail["to"] for mail in answer.json() if "fotograma" in mail["from"])
