"""One address before all services, as a gateway is: by the beginning of the path."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

SERVICES = {
    "/auth": "auth-service",
    "/upload": "video-uploader",
    "/videos": "status-service",
    "/users": "status-service",
    "/notify": "notification-service",
}
# Of one connection, and not of what it carries (RFC 9110, section 7.6.1).
HOP_BY_HOP = {"connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
# What `requests` has undone, or does itself.
UNDONE = {"content-encoding", "content-length", *HOP_BY_HOP}


class Gateway:
    """Hands requests on to a system's services."""

    def __init__(self, system):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler(system))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def handler(system):
    sessions = threading.local()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length) if length else None
            found = (s for prefix, s in SERVICES.items() if self.path.startswith(prefix))
            service = next(found, "status-service")
            if not hasattr(sessions, "own"):
                sessions.own = requests.Session()
                sessions.own.headers.clear()
            answer = sessions.own.request(
                self.command,
                system.url(service) + self.path,
                headers={n: v for n, v in self.headers.items() if n.lower() not in HOP_BY_HOP},
                data=body,
                allow_redirects=False,
                timeout=60,
            )
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in UNDONE:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = answer
        do_QUERY = answer

        def log_message(self, *_):
            pass

    return Handler
