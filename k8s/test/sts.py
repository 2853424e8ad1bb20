"""A small AWS for pods: exchanges a service account's token for a role's credentials, as the role's trust
policy says, and lets who has them do what the role's policy says, on an emulator."""

import http.client
import itertools
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

XMLNS = "https://sts.amazonaws.com/doc/2011-06-15/"
ACTION = "sts:AssumeRoleWithWebIdentity"


class Refused(Exception):
    def __init__(self, code, message, status=403):
        super().__init__(message)
        self.code, self.status = code, status


def claims_of(token, keys, issuer):
    """What a token says, once its signature, its issuer and its time are found to be right."""
    try:
        header = jwt.get_unverified_header(token)
        (key,) = [key for key in keys if key.key_id == header.get("kid")]
        # The audience is for the trust policy to judge.
        return jwt.decode(token, key.key, algorithms=["RS256"], issuer=issuer, options={"verify_aud": False})
    except (jwt.InvalidTokenError, ValueError) as error:
        raise Refused("InvalidIdentityToken", f"{error}", 400) from error


def trusts(policy, provider, claims):
    """Whether a trust policy lets a token of this provider in: an identity that IAM knows no other way."""
    host = provider.removeprefix("https://")
    said = {f"{host}:{name}": value for name, value in claims.items()}

    def fits(statement):
        if statement["Effect"] != "Allow" or statement["Action"] != ACTION:
            return False
        (operator, wanted) = next(iter(statement.get("Condition", {}).items()), (None, {}))
        # Nothing but this is in the template; a policy without conditions lets everybody in.
        assert operator == "StringEquals" and len(statement["Condition"]) == 1, statement
        return all(value in as_list(said.get(name)) for name, value in wanted.items())

    return any(fits(statement) for statement in policy["Statement"])


def as_list(value):
    return value if isinstance(value, list) else [value]


class Sts:
    """`roles` is {ARN: (trust policy, port of its gate)}; `keys` are the API server's."""

    def __init__(self, issuer, keys, roles):
        self.issuer, self.keys, self.roles = issuer, keys, roles
        self.gates = {}
        self._numbers = itertools.count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def assume(self, role, token):
        """The session token of new credentials: by it they are known again, since the emulator behind has
        one key for all."""
        claims = claims_of(token, self.keys, self.issuer)
        trust, port = self.roles.get(role, ({"Statement": []}, None))
        if not trusts(trust, self.issuer, claims):
            raise Refused("AccessDenied", f"Not authorized to perform {ACTION}")
        session = f"session-{next(self._numbers)}"
        self.gates[session] = port
        return session


def _handler(sts):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))
            if form.get("Action") == "AssumeRoleWithWebIdentity":
                return self.exchange(form)
            port = sts.gates.get(self.headers.get("X-Amz-Security-Token"))
            if not port:
                return self.reply(403, [], b'{"__type":"UnrecognizedClientException","message":"whose?"}')
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            self.reply(response.status, response.getheaders(), response.read())

        def exchange(self, form):
            try:
                session = sts.assume(form["RoleArn"], form["WebIdentityToken"])
            except Refused as refused:
                error = f"<Type>Sender</Type><Code>{refused.code}</Code><Message>{refused}</Message>"
                body = f'<ErrorResponse xmlns="{XMLNS}"><Error>{error}</Error></ErrorResponse>'
                return self.reply(refused.status, [("Content-Type", "text/xml")], body.encode())
            body = (
                f'<AssumeRoleWithWebIdentityResponse xmlns="{XMLNS}"><AssumeRoleWithWebIdentityResult>'
                "<Credentials><AccessKeyId>test</AccessKeyId><SecretAccessKey>test</SecretAccessKey>"
                f"<SessionToken>{session}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
                f"</Credentials><AssumedRoleUser><Arn>{form['RoleArn']}/pod</Arn>"
                "<AssumedRoleId>AROA:pod</AssumedRoleId></AssumedRoleUser>"
                "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
            )
            self.reply(200, [("Content-Type", "text/xml")], body.encode())

        def reply(self, status, headers, content):
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    return Handler


def keys_of(document):
    """The keys of a JWKS."""
    return [jwt.PyJWK(key) for key in json.loads(document)["keys"]]
