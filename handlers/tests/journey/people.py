"""Users of the system, and what they do over HTTP."""

import io
import re
import uuid
import zipfile

import requests

from waiting import DEADLINE, until

DEMO = ("paulo", "Senha123@", "paulo@example.com")
PASSWORD = "Correct-horse-1"


class User:
    """Somebody with a name, a password and a mail address; with tokens once logged in."""

    def __init__(self, system, name=None, password=PASSWORD, email=None):
        self.system = system
        self.name = name or f"user-{uuid.uuid4().hex[:12]}"
        self.password = password
        self.email = email or f"{self.name}@example.com"
        self.tokens = {}
        self.id = None

    def call(self, method, service, path, token=None, headers=None, **options):
        """A request with this user's token, or with another one (`""`: with none)."""
        token = self.tokens.get("access_token", "") if token is None else token
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(
            method,
            self.system.url(service) + path,
            headers={**bearer, **(headers or {})},
            timeout=DEADLINE,
            allow_redirects=False,
            **options,
        )

    def auth(self, what, **body):
        return self.call("POST", "auth-service", f"/auth/{what}", token="", json=body)

    def sign_up(self):
        return self.auth("signup", username=self.name, password=self.password, email=self.email)

    def mailed_code(self):
        """The code in the mail that a sign-up sends."""
        mail = until(lambda: self.system.mail(self.email), f"a code for {self.email}")[0]
        return re.search(r"\b\d{6}\b", mail["text"]).group()

    def log_in(self):
        self.tokens = good(self.auth("login", username=self.name, password=self.password))
        self.id = self.me()["user_id"]
        return self

    def join(self):
        """Everything up to being logged in."""
        good(self.sign_up(), 201)
        good(self.auth("confirm", username=self.name, code=self.mailed_code()))
        return self.log_in()

    def me(self):
        return good(self.call("GET", "auth-service", "/auth/me"))

    def register(self, size, every="1s", filename="video.mp4", content_type="video/mp4"):
        body = {"filename": filename, "content_type": content_type, "size": size, "every": every}
        return self.call("POST", "video-uploader", "/uploads", json=body)

    def complete(self, video_id, **body):
        path = f"/uploads/{video_id}/complete"
        return self.call("POST", "video-uploader", path, json=body or None)

    def put(self, target, body):
        """Sends bytes to a presigned address, with the headers that it wants."""
        headers = target["headers"]
        put = requests.put(target["url"], data=body, headers=headers, timeout=DEADLINE)
        assert put.status_code == 200, put.text

    def upload(self, file, **how):
        """Registers, puts and completes; gives the video's id."""
        announced = good(self.register(file.stat().st_size, **how), 201)
        with file.open("rb") as body:
            if announced["method"] == "PARTS":
                for number in range(1, announced["part_count"] + 1):
                    path = f"/uploads/{announced['video_id']}/parts"
                    wanted = {"parts": [{"part": number}]}
                    told = good(self.call("POST", "video-uploader", path, json=wanted))
                    self.put(told["parts"][0], body.read(announced["part_size"]))
            else:
                self.put(announced, body)
        good(self.complete(announced["video_id"]), 202)
        return announced["video_id"]

    def videos(self, **query):
        return good(self.call("GET", "status-service", "/videos/me", params=query))

    def ask(self, video_id, path="", method="GET", **options):
        """A request about one video."""
        return self.call(method, "status-service", f"/videos/me/{video_id}{path}", **options)

    def video(self, video_id):
        return good(self.ask(video_id))

    def until_ended(self, video_id, seconds=DEADLINE):
        """The video once it is done or failed."""
        return until(lambda: self.ended(video_id), f"an end of {video_id}", seconds)

    def ended(self, video_id):
        answer = self.ask(video_id)
        # A job that was put into the queue by hand has no record until its first attempt.
        if answer.status_code == 404:
            return None
        video = good(answer)
        return video if video["status"] in ("done", "failed") else None

    def until_mailed(self, count=1):
        """The outcome mails, newest first; the one with the code is no outcome."""

        def outcomes():
            mails = [m for m in self.system.mail(self.email) if "fotograma" in m["from"]]
            return mails if len(mails) >= count else None

        return until(outcomes, f"{count} mails to {self.email}")

    def download(self, video_id):
        """The zip's bytes, by way of the redirect."""
        answer = self.ask(video_id, "/download")
        assert answer.status_code == 302, answer.text
        zipped = requests.get(answer.headers["location"], timeout=DEADLINE)
        assert zipped.status_code == 200, zipped.text
        return zipped.content

    def frames(self, video_id):
        return zipfile.ZipFile(io.BytesIO(self.download(video_id)))


def good(answer, status=200):
    """The JSON of an answer that must have this status."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    return answer.json()


def refused(answer, status):
    """The problem of an answer that must be refused with this status (RFC 9457)."""
    problem = good(answer, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] and problem["title"] and problem["detail"]
    assert problem["request_id"]
    return problem
