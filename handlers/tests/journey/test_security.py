"""Who may do what, and how a refusal reads."""

import base64
import json
import re
import subprocess

import pytest
import requests

from people import User, good, refused
from system import SERVICES
from test_jobs import dead_lettered, send


@pytest.fixture(scope="module")
def private_routes(program):
    """The routes that need a token: service, method and path, as the program's table has them."""
    told = subprocess.run([program, "features", "--json"], capture_output=True, check=True)
    features = json.loads(told.stdout)["features"]
    return [
        (feature["service"], feature["trigger"]["method"], filled(feature["trigger"]["path"]))
        for feature in features
        if feature["trigger"]["type"] == "http" and feature["trigger"]["access"] != "public"
    ]


def filled(path):
    """A path with something in the place of each parameter."""
    return re.sub(r"\{\w+\}", "me", path, count=1).replace("{video_id}", "some")


def forgeries(token):
    """Tokens that the user pool did not make."""
    head, claims, signature = token.split(".")

    def encode(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    operator = encode({**decoded, "cognito:groups": ["operators"]})
    no_algorithm = encode({"alg": "none", "typ": "JWT"})
    return {
        "nonsense": "nonsense",
        "three dots": "a.b.c",
        "other claims": f"{head}.{operator}.{signature}",
        "no signature": f"{head}.{claims}.",
        "no algorithm": f"{no_algorithm}.{operator}.",
        "other signature": f"{head}.{claims}.{signature[::-1]}",
        "too long": token + "x" * 20_000,
    }


def test_every_private_route_wants_a_token(user, private_routes):
    assert len(private_routes) >= 10
    for service, method, path in private_routes:
        problem = user.call(method, service, path, token="")
        refused(problem, 401)
        assert problem.headers["www-authenticate"] == "Bearer"
        refused(user.call(method, service, path, token="nonsense"), 401)


def test_a_token_that_the_pool_did_not_make_is_refused(user):
    for what, token in forgeries(user.tokens["access_token"]).items():
        answer = user.call("GET", "status-service", "/videos/me", token=token)
        # A head that is longer than the server takes never reaches the token's check.
        assert answer.status_code in ((401, 431) if what == "too long" else (401,)), what
    refused(user.call("GET", "auth-service", "/auth/me", token=user.tokens["refresh_token"]), 401)
    basic = {"Authorization": "Basic dXNlcjpwYXNz"}
    refused(user.call("GET", "auth-service", "/auth/me", token="", headers=basic), 401)


def test_another_systems_token_is_refused(user, new_system):
    other = new_system().start()
    elsewhere = User(other, user.name, user.password, user.email)
    elsewhere.tokens = user.tokens
    refused(elsewhere.call("GET", "auth-service", "/auth/me"), 401)
    refused(elsewhere.call("GET", "status-service", "/videos/me"), 401)


def test_another_users_videos_are_not_there(system, user, clips):
    video_id = user.upload(clips.test_card())
    assert user.until_ended(video_id)["status"] == "done"
    other = User(system).join()
    assert other.videos()["videos"] == []
    nothing = refused(other.ask("no-such-video"), 404)["detail"]
    for owner in ("me", user.id):
        video = f"/videos/{owner}/{video_id}"
        for method, path in (("GET", video), ("GET", f"{video}/download"), ("DELETE", video)):
            problem = refused(other.call(method, "status-service", path), 404)
            assert problem["detail"] == nothing
    refused(other.call("GET", "status-service", f"/videos/{user.id}"), 404)
    refused(other.complete(video_id), 404)
    refused(other.complete(video_id, retry=True), 404)
    assert user.video(video_id)["status"] == "done"
    assert len(user.frames(video_id).namelist()) == 4


def test_a_job_cannot_name_another_users_video(system, user, clips):
    video_id = user.upload(clips.test_card())
    assert user.until_ended(video_id)["status"] == "done"
    before = user.download(video_id)
    other = User(system).join()
    theft = {"video_id": "stolen", "user_id": other.id, "key": f"uploads/{user.id}/{video_id}"}
    takeover = {"video_id": video_id, "user_id": other.id, "email": other.email}
    for body in (theft, takeover):
        send(system, body)
    reasons = [dead_lettered(system, json.dumps(body)) for body in (theft, takeover)]
    assert "is not under" in reasons[0]
    assert "another user's video" in reasons[1]
    refused(other.ask("stolen"), 404)
    refused(other.ask(video_id), 404)
    assert user.download(video_id) == before


def test_only_operators_notify_and_change(system, user, operator, clips):
    video_id = good(user.register(10), 201)["video_id"]
    notice = {"email": user.email, "status": "failed", "video_id": video_id, "reason": "by hand"}
    notify = ("POST", "notification-service", "/notify")
    change = ("PATCH", "status-service", f"/videos/{user.id}/{video_id}")
    refused(user.call(*notify, json=notice), 403)
    refused(user.call(*change, json={"status": "failed"}), 403)
    assert user.video(video_id)["status"] == "awaiting_upload"

    refused(operator.call(*change, json={"status": "done"}), 409)
    refused(operator.call(*change, json={"status": "nonsense"}), 400)
    stopped = {"status": "failed", "reason": "not today"}
    assert good(operator.call(*change, json=stopped))["reason"] == "not today"
    assert "not today" in user.until_mailed()[0]["text"]
    assert good(operator.call(*notify, json=notice), 202)["message_id"]
    assert "by hand" in user.until_mailed(2)[0]["text"]
    refused(operator.call(*notify, json={**notice, "email": "nobody"}), 400)
    # An operator reads no more than anybody else.
    refused(operator.call("GET", "status-service", f"/videos/{user.id}"), 404)


def test_what_no_service_has_is_a_problem_too(user):
    for service in SERVICES:
        refused(user.call("GET", service, "/nowhere"), 404)
    wrong = user.call("PUT", "status-service", "/videos/me")
    refused(wrong, 405)
    assert wrong.headers["allow"] == "GET"


def test_every_answer_carries_the_id_of_its_request(user):
    good_one = user.call("GET", "auth-service", "/auth/me")
    refusals = [
        user.auth("login", username="nobody", password="x"),
        user.call("GET", "auth-service", "/auth/me", token=""),
        user.call("POST", "video-uploader", "/upload/", data={"every": "1s"}),
        user.call("GET", "auth-service", "/nowhere"),
        user.call("PUT", "auth-service", "/auth/me"),
    ]
    assert good_one.headers["x-request-id"]
    for answer in refusals:
        assert answer.headers.get("x-request-id") == answer.json()["request_id"], answer.request.url
    given = {"x-request-id": "mine-1"}
    assert (
        user.call("GET", "auth-service", "/auth/me", headers=given).headers["x-request-id"]
        == "mine-1"
    )


def test_objects_need_a_signature(user, clips):
    video_id = user.upload(clips.test_card())
    assert user.until_ended(video_id)["status"] == "done"
    link = user.ask(video_id, "/download").headers["location"]
    bare, _, query = link.partition("?")
    assert requests.get(bare, timeout=60).status_code == 403
    altered = re.sub("X-Amz-Expires=[0-9]+", "X-Amz-Expires=604800", query)
    assert requests.get(f"{bare}?{altered}", timeout=60).status_code == 403
    assert requests.put(link, data=b"x", timeout=60).status_code == 403
