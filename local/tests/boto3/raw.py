"""Requests below the SDK: raw bytes on a socket, or signed by hand."""

import http.client
import socket
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def send(url, method="GET", body=b"", headers=None):
    """An unsigned request (or one whose address is presigned): status, headers, body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body=body or None, headers=headers or {})
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def signed(url, method="GET", body=b"", headers=None, service="s3"):
    """The same, signed with the keys that the server knows."""
    request = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials("test", "test"), service, "us-east-1").add_auth(request)
    return send(url, method, body, dict(request.headers.items()))


def exchange(endpoint, data):
    """Sends bytes as they are and gives all that comes back until the connection ends."""
    parts = urlsplit(endpoint)
    received = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
        except (ConnectionError, OSError) as error:
            # A server may end a connection in the middle of nonsense; it may not hang.
            assert not isinstance(error, TimeoutError), data[:200]
    return received
