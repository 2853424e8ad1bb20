"""A small AWS client, so that what is measured is the server: one connection, SigV4, no retries."""

import datetime
import hashlib
import hmac
import http.client
import json
from urllib.parse import urlsplit


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Client:
    """Keys `test`/`test`, region `us-east-1`, one keep-alive connection."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.host = parts.netloc
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
        self.keys = {}

    def json(self, service, target, body):
        """Calls an operation of an AWS JSON service."""
        data = json.dumps(body).encode()
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": target}
        return json.loads(self.call(service, "POST", "/", "", data, headers) or b"{}")

    def call(self, service, method, path, query="", data=b"", headers=None):
        """Sends one signed request and reads the answer whole."""
        return self.send(service, method, path, query, data, headers).read()

    def send(self, service, method, path, query="", data=b"", headers=None):
        """Sends one signed request, for S3 also of a body that comes piece by piece; the answer is
        still to be read. Anything but 2xx is an error."""
        signed = self._sign(service, method, path, query, data, dict(headers or {}))
        target = path + (f"?{query}" if query else "")
        self.connection.request(method, target, data or None, signed)
        response = self.connection.getresponse()
        if response.status // 100 != 2:
            raise RuntimeError(f"{method} {target}: {response.status} {response.read()[:300]}")
        return response

    def _sign(self, service, method, path, query, data, headers):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        day, scope = now[:8], f"{now[:8]}/us-east-1/{service}/aws4_request"
        # Hashing 64 MiB here would measure Python.
        digest = "UNSIGNED-PAYLOAD" if service == "s3" else hashlib.sha256(data).hexdigest()
        headers |= {"host": self.host, "x-amz-date": now}
        if service == "s3":
            headers["x-amz-content-sha256"] = digest
        names = sorted(headers)
        canonical = "\n".join(
            [method, path, query, *(f"{n}:{headers[n]}" for n in names), "", ";".join(names), digest]
        )
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}"
        signature = _hmac(self._key(day, service), to_sign).hex()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential=test/{scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        return headers

    def _key(self, day, service):
        if (day, service) not in self.keys:
            key = _hmac(b"AWS4test", day)
            for part in ("us-east-1", service, "aws4_request"):
                key = _hmac(key, part)
            self.keys[day, service] = key
        return self.keys[day, service]
