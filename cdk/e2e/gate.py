"""A gate in front of an emulator that lets each principal do what its IAM policy allows, and no more.

Emulators do not enforce IAM, or deny what a policy allows. This one knows the calls that the product
makes: from a request it tells the action and the resource as IAM names them. Each principal has a
port of its own. What it does not know it denies.
"""

import fnmatch
import http.client
import json
import threading
import urllib.parse
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCOUNT, REGION = "000000000000", "us-east-1"

# IAM has no actions for batches.
BATCHES = {
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "PublishBatch": "Publish",
    "SendMessageBatch": "SendMessage",
}
# What users call for themselves, unsigned: no policy speaks of it.
UNSIGNED = {"ConfirmSignUp", "GetUser", "GlobalSignOut", "InitiateAuth", "RevokeToken", "SignUp"}
OBJECTS = {
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "POST": "PutObject",
    "DELETE": "DeleteObject",
}


@dataclass(frozen=True)
class Call:
    """Something that a principal did, or was not let do."""

    principal: str
    action: str
    resource: str
    allowed: bool


def identify(method, path, headers, body):
    """The action and the resource of a request, as IAM names them; `None` where none is needed."""
    target = headers.get("X-Amz-Target")
    parts = urllib.parse.urlsplit(path)
    if target:
        return _identify_json(*target.rsplit(".", 1), json.loads(body or b"{}"))
    if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        action = form.get("Action", "")
        return f"sns:{BATCHES.get(action, action)}", form.get("TopicArn", "*")
    if parts.path == "/v2/email/outbound-emails":
        sender = json.loads(body).get("FromEmailAddress", "*")
        return "ses:SendEmail", f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{sender}"
    if "/.well-known/" in parts.path:
        return None
    return _identify_s3(method, parts)


def _identify_json(service, operation, request):
    if service == "AmazonSQS":
        queue = (request.get("QueueUrl") or request.get("QueueName") or "*").rsplit("/", 1)[-1]
        action = BATCHES.get(operation, operation)
        return f"sqs:{action}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
    if service.startswith("DynamoDB"):
        table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{request.get('TableName', '*')}"
        index = request.get("IndexName")
        return f"dynamodb:{operation}", f"{table}/index/{index}" if index else table
    if service.startswith("AWSCognito"):
        if operation in UNSIGNED:
            return None
        pool = request.get("UserPoolId", "*")
        return f"cognito-idp:{operation}", f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{pool}"
    return f"{service}:{operation}", "*"


def _identify_s3(method, parts):
    query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    bucket, _, key = urllib.parse.unquote(parts.path).lstrip("/").partition("/")
    if not key:
        action = {"GET": "ListBucket", "HEAD": "ListBucket"}.get(method, "Unknown")
        return f"s3:{action}", f"arn:aws:s3:::{bucket}"
    action = OBJECTS.get(method, "Unknown")
    if "uploadId" in query and method == "DELETE":
        action = "AbortMultipartUpload"
    if "uploadId" in query and method == "GET":
        action = "ListMultipartUploadParts"
    return f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}"


def as_list(value):
    return value if isinstance(value, list) else [value]


def covers(statement, action, resource):
    return any(
        fnmatch.fnmatchcase(action.lower(), pattern.lower())
        for pattern in as_list(statement["Action"])
    ) and any(fnmatch.fnmatchcase(resource, pattern) for pattern in as_list(statement["Resource"]))


def allows(statements, action, resource):
    """IAM's rule: a Deny that fits wins, then an Allow; nothing is allowed by itself."""
    effects = [s["Effect"] for s in statements if covers(s, action, resource)]
    return "Allow" in effects and "Deny" not in effects


def refusal(headers, action, message):
    """What AWS answers, in the shape of the service."""
    if headers.get("X-Amz-Target"):
        return "application/x-amz-json-1.0", {"__type": "AccessDeniedException", "message": message}
    if action.startswith("ses:"):
        return "application/json", {"message": message}
    if action.startswith("s3:"):
        return "application/xml", f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
    error = f"<Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>{message}</Message></Error>"
    return "text/xml", f"<ErrorResponse>{error}</ErrorResponse>"


class Gate:
    """The gates of all principals, before one emulator on loopback."""

    def __init__(self, port):
        self.emulator = port
        self.calls = []
        self._servers = []

    def open(self, principal, statements, port):
        """Lets a principal through on a port of loopback."""
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self, principal, statements))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._servers.append(server)

    def close(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def denied(self):
        return sorted({call for call in self.calls if not call.allowed}, key=str)


def _read_body(handler):
    if handler.headers.get("Transfer-Encoding") != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    body = b""
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body


def _handler(gate, principal, statements):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def judge(self, action, resource):
            allowed = allows(statements, action, resource)
            gate.calls.append(Call(principal, action, resource, allowed))
            return allowed

        def answer(self):
            body = _read_body(self)
            call = identify(self.command, self.path, self.headers, body)
            if call and not self.judge(*call):
                return self.refuse(*call)
            connection = http.client.HTTPConnection("127.0.0.1", gate.emulator, timeout=120)
            hop = ("connection", "transfer-encoding", "expect", "content-length")
            headers = {k: v for k, v in self.headers.items() if k.lower() not in hop}
            headers["Content-Length"] = str(len(body))
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            content = response.read()
            # Who may not list a bucket is not told what is not in it.
            missing = response.status == 404 and call and call[0] == "s3:GetObject"
            if missing and not self.judge("s3:ListBucket", call[1].split("/")[0]):
                return self.refuse("s3:ListBucket", call[1].split("/")[0])
            length = response.getheader("Content-Length")
            self.reply(response.status, response.getheaders(), content, length)

        def refuse(self, action, resource):
            message = f"{principal} is not authorized to perform: {action} on resource: {resource}"
            kind, content = refusal(self.headers, action, message)
            content = content if isinstance(content, str) else json.dumps(content)
            headers = [("Content-Type", kind), ("x-amzn-errortype", "AccessDeniedException")]
            self.reply(403, headers, content.encode())

        def reply(self, status, headers, content, length=None):
            self.send_response(status)
            hop = ("connection", "transfer-encoding", "content-length", "date", "server")
            for name, value in headers:
                if name.lower() not in hop:
                    self.send_header(name, value)
            head = self.command == "HEAD"
            self.send_header("Content-Length", length if head and length else str(len(content)))
            self.end_headers()
            if not head and status not in (204, 304):
                self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    return Handler
