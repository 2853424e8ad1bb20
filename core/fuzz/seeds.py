#!/usr/bin/env python3
"""Seeds for the fuzz targets, from the sample events: corpus/<target>/<feature>-<case>."""

import base64
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
EVENTS = HERE.parents[1] / "events"
WORLDS = 5
WORDS = ["1s", "500ms", "2m", "1h", "0.5s", "10", "exact", "keyframe", "uploads/u1/v1"]
WORDS += ["uploads/u1/caf%C3%A9+1.mp4", "1e3", "24h"]


def main():
    for path in sorted(EVENTS.glob("*/*.json")):
        if path.name.endswith(".given.json"):
            continue
        event = json.loads(path.read_text())
        name = f"{path.parent.name}-{path.stem}"
        for target, suffix, seed in seeds(path.parent.name, event):
            save(target, name + suffix, seed)
    for number, form in enumerate(forms()):
        save("form", str(number), form)
    for number, word in enumerate(WORDS):
        save("words", str(number), word.encode())


def forms():
    """Forms with a file and a field, as browsers and curl send them, and broken ones."""
    field = b'--b\r\nContent-Disposition: form-data; name="every"\r\n\r\n2s\r\n'
    file = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n'
        b"Content-Type: video/mp4\r\n\r\n\0\0\0\x18ftypmp42\r\n"
    )
    end = b"--b--\r\n"
    yield field + file + end
    yield file + field + end
    yield b"preamble\r\n" + file + end + b"epilogue"
    yield file + file + end
    yield field * 40 + file + end
    yield file
    yield b"x" * 70_000 + file + end


def seeds(feature, event):
    """What an event is good for: target, the end of the seed's name, seed."""
    if "requestContext" in event:
        yield "request", "", request(event)
        return
    for world in range(WORLDS):
        yield "event", f"-{world}", f"{feature} {world}\n{json.dumps(event)}".encode()
    for number, record in enumerate(event.get("Records", [])):
        body = record.get("body") or record.get("Sns", {}).get("Message") or json.dumps(event)
        yield "body", f"-{number}", body.encode()


def request(event):
    """The request line and the body of an event of API Gateway or a load balancer."""
    http = event["requestContext"].get("http", {})
    method = http.get("method") or event["httpMethod"]
    path = event.get("rawPath") or event["path"]
    query = event.get("rawQueryString")
    if query is None:
        pairs = event.get("queryStringParameters") or {}
        query = "&".join(f"{name}={value}" for name, value in pairs.items())
    body = (event.get("body") or "").encode()
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body)
    if path.startswith("/upload/"):
        body = json.dumps(claim()).encode()
    return f"{method} {path}{'?' * bool(query)}{query}\n".encode() + body


def claim():
    """What an adapter makes of a form."""
    fields = {"every": "2s", "mode": "keyframe"}
    return {"key": "uploads/u1/v3", "filename": "a.mp4", "content_type": None, "fields": fields}


def save(target, name, seed):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(seed)


main()
