"""The cluster's own names: NAME.NAMESPACE.svc.cluster.local, as the API server knows the services."""

import contextlib
import socket
import struct
import threading

SUFFIX = ".svc.cluster.local"
ADDRESS, NOT_THERE = 1, 3


class Dns:
    def __init__(self, address, look_up):
        """`look_up` gives the address of a service by name and namespace, or None."""
        self.look_up = look_up
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                question, client = self.socket.recvfrom(512)
            except OSError:
                return
            # Who asked may be gone by now.
            with contextlib.suppress(OSError):
                self.socket.sendto(self.answer(question), client)

    def close(self):
        self.socket.close()

    def answer(self, message):
        """RFC 1035: one question, and the answer that there is."""
        identity, flags, end = *struct.unpack("!HH", message[:4]), 12
        labels = []
        while length := message[end]:
            labels.append(message[end + 1 : end + 1 + length].decode())
            end += 1 + length
        kind = struct.unpack("!H", message[end + 1 : end + 3])[0]
        question = message[12 : end + 5]
        name = ".".join(labels).lower()
        found = None
        if name.endswith(SUFFIX) and name.removesuffix(SUFFIX).count(".") == 1:
            found = self.look_up(*name.removesuffix(SUFFIX).split("."))
        answers = b""
        if found and kind == ADDRESS:
            # A pointer to the question's name, for five seconds.
            answers = struct.pack("!HHHIH", 0xC00C, ADDRESS, 1, 5, 4) + socket.inet_aton(found)
        code = 0 if found else NOT_THERE
        header = struct.pack("!HHHHHH", identity, 0x8580 | (flags & 0x0100) | code, 1, bool(answers), 0, 0)
        return header + question + answers
