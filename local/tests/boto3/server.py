"""A local AWS as a child process: started on a free port, restarted, killed."""

import os
import signal
import subprocess
import tempfile
import threading
from pathlib import Path


class Server:
    """The program named by FOTOGRAMA_LOCAL_BIN, with a data folder of its own."""

    def __init__(self, program, folder=None):
        self.program = program
        self.folder = Path(folder or tempfile.mkdtemp(prefix="fotograma-boto3-"))
        self.port = 0
        self.process = None
        self.url = None

    def start(self):
        """Returns once it answers: the program prints its address when it does."""
        self.process = subprocess.Popen(
            [self.program, "--port", str(self.port), "--data-dir", str(self.folder)],
            stdout=subprocess.PIPE,
            text=True,
        )
        watchdog = threading.Timer(30, self.process.kill)
        watchdog.start()
        self.url = self.process.stdout.readline().strip()
        watchdog.cancel()
        assert self.url.startswith("http://"), f"{self.program} did not start"
        # A restart keeps the address, so that clients and queue addresses stay good.
        self.port = int(self.url.rsplit(":", 1)[1])
        return self

    def stop(self):
        """Asks it to end, as Kubernetes would."""
        return self._end(signal.SIGTERM)

    def kill(self):
        """Lets it end in the middle of whatever it does."""
        return self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()

    def rss_kib(self):
        """Resident memory, from /proc."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1])

    def _end(self, how):
        os.kill(self.process.pid, how)
        status = self.process.wait(timeout=30)
        self.process.stdout.close()
        return status
