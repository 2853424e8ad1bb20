"""Kubernetes's API server with its etcd, on free ports of loopback, its state in one folder."""

import http.client
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path

ADMIN = "admin-token"


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def lowered(text):
    """A manifest in the API versions that Kubernetes 1.20 has; all else goes as it is.

    1.20 knows these kinds by the names that they had before; `endPort` it does not know.
    """
    for kind, new, old in [
        ("PodDisruptionBudget", "policy/v1", "policy/v1beta1"),
        ("CronJob", "batch/v1", "batch/v1beta1"),
        ("HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v2beta2"),
    ]:
        text = re.sub(rf"apiVersion: {new}\nkind: {kind}", f"apiVersion: {old}\nkind: {kind}", text)
    return re.sub(r"(\n *)- endPort: \d+\n *", r"\1- ", text)


class ApiServer:
    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.port = free_port()
        self.processes = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(timeout=60)

    def run(self, program, *arguments):
        """Starts a program, which writes into a log of its own."""
        log = self.folder / f"{Path(program).name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, *arguments], stdout=output, stderr=subprocess.STDOUT, cwd=self.folder
            )
        self.processes.append(process)
        return process

    def start(self):
        self.make_keys()
        etcd, peer = free_port(), free_port()
        self.run(
            "etcd",
            *("--data-dir", "etcd", "--unsafe-no-fsync"),
            f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
        )
        self.server = self.run(
            self.programs / "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            *("--bind-address=127.0.0.1", f"--secure-port={self.port}", "--insecure-port=0"),
            *("--cert-dir=certificates", "--token-auth-file=tokens.csv"),
            *("--authorization-mode=RBAC", "--allow-privileged=true"),
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=accounts.pub",
            "--service-account-signing-key-file=accounts.key",
            *("--service-cluster-ip-range=10.96.0.0/16", "--advertise-address=127.0.0.1"),
            *("--enable-priority-and-fairness=false", "--endpoint-reconciler-type=none"),
        )
        self.wait_until_ready()

    def make_keys(self):
        key, public = self.folder / "accounts.key", self.folder / "accounts.pub"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        subprocess.run(
            ["openssl", "rsa", "-in", key, "-pubout", "-out", public],
            check=True,
            capture_output=True,
        )
        (self.folder / "tokens.csv").write_text(f"{ADMIN},admin,1,system:masters\n")
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n"
            "clusters: [{name: test, cluster: "
            f"{{server: 'https://127.0.0.1:{self.port}', insecure-skip-tls-verify: true}}}}]\n"
            f"users: [{{name: admin, user: {{token: {ADMIN}}}}}]\n"
            "contexts: [{name: test, context: {cluster: test, user: admin}}]\n"
        )

    def wait_until_ready(self):
        # Its certificate is its own, of this minute.
        context = ssl._create_unverified_context()
        end = time.monotonic() + 180
        while time.monotonic() < end:
            if self.server.poll() is not None:
                raise RuntimeError((self.folder / "kube-apiserver.log").read_text()[-2000:])
            try:
                connection = http.client.HTTPSConnection(
                    "127.0.0.1", self.port, context=context, timeout=5
                )
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise TimeoutError("the API server is not ready")

    def kubectl(self, *arguments, text=None):
        return subprocess.run(
            ["kubectl", "--kubeconfig", self.kubeconfig, *arguments],
            input=text,
            capture_output=True,
            text=True,
        )
