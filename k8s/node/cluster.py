"""A cluster of one node, of the parts that a real one has: etcd, API server, controller manager,
scheduler, containerd, kubelet, kube-proxy. In namespaces of its own (.ci/cluster makes them), so that its
addresses, rules, mounts and processes are gone with it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))
from api_server import ApiServer  # noqa: E402
from dns import Dns  # noqa: E402

DNS = "10.78.0.53"
PODS = "10.77.0.0/24"
# As the API server is told.
SERVICES = "10.96.0.0/16"
# How long a step may take on a machine that is busy.
PATIENCE_S = 180

CONTAINERD = """version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:latest"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""
# Each pod by a pair of interfaces: all that it sends passes the node, where kube-proxy's rules are.
NETWORK = {
    "cniVersion": "0.4.0",
    "name": "pods",
    "plugins": [
        {
            "type": "ptp",
            "ipam": {"type": "host-local", "subnet": PODS, "routes": [{"dst": "0.0.0.0/0"}]},
        }
    ],
}
KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "address": "127.0.0.1",
    "readOnlyPort": 0,
    "cgroupDriver": "cgroupfs",
    "cgroupRoot": f"/{os.environ.get('FOTOGRAMA_CGROUP', '')}",
    "enforceNodeAllocatable": [],
    "failSwapOn": False,
    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"},
    "clusterDNS": [DNS],
    "clusterDomain": "cluster.local",
    "resolvConf": "",
    "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    "imageGCHighThresholdPercent": 100,
    "oomScoreAdj": -1,
    "makeIPTablesUtilChains": True,
}
PROXY = {
    "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
    "kind": "KubeProxyConfiguration",
    "bindAddress": "127.0.0.1",
    "healthzBindAddress": "127.0.0.1:10256",
    "mode": "iptables",
    "clusterCIDR": PODS,
    "hostnameOverride": "node",
    "conntrack": {"maxPerCore": 0, "min": 0, "tcpCloseWaitTimeout": "0s", "tcpEstablishedTimeout": "0s"},
}


class Cluster(ApiServer):
    def start(self):
        super().start()
        key, authority = self.folder / "accounts.key", self.folder / "certificates/apiserver.crt"
        local = ("--leader-elect=false", "--bind-address=127.0.0.1", "--port=0")
        self.run(
            self.programs / "kube-controller-manager",
            *(f"--kubeconfig={self.kubeconfig}", *local, "--cert-dir=manager"),
            *(f"--service-account-private-key-file={key}", f"--root-ca-file={authority}"),
        )
        self.run(
            self.programs / "kube-scheduler",
            *(f"--kubeconfig={self.kubeconfig}", *local, "--cert-dir=scheduler"),
        )
        subprocess.run(["ip", "address", "add", f"{DNS}/32", "dev", "lo"], check=True)
        # There is no way out of here; what is sent to a service turns back to a pod on its way.
        way = ["ip", "route", "add", SERVICES, "dev", "lo", "src", DNS]
        subprocess.run(way, check=True)
        self.dns = Dns(DNS, self.address_of)
        self.start_node()

    def __exit__(self, *_):
        if hasattr(self, "dns"):
            self.dns.close()
        super().__exit__()

    def start_node(self):
        (self.folder / "cni").mkdir()
        (self.folder / "cni/pods.conflist").write_text(json.dumps(NETWORK))
        (self.folder / "containerd.toml").write_text(CONTAINERD.format(folder=self.folder))
        (self.folder / "kubelet.json").write_text(json.dumps(KUBELET))
        client = {"clientConnection": {"kubeconfig": str(self.kubeconfig)}}
        (self.folder / "proxy.json").write_text(json.dumps(PROXY | client))
        self.run("containerd", "--config", "containerd.toml")
        self.until(lambda: self.ctr("version").returncode == 0, "containerd answers")

    def join(self, archives):
        """Gives the node its images, and lets it join."""
        for path in archives:
            done = self.ctr("images", "import", path)
            assert done.returncode == 0, done.stderr
        self.run(
            self.programs / "kubelet",
            *(f"--kubeconfig={self.kubeconfig}", "--config=kubelet.json", "--hostname-override=node"),
            "--container-runtime=remote",
            f"--container-runtime-endpoint=unix://{self.folder}/containerd.sock",
            *(f"--root-dir={self.folder}/kubelet", f"--cert-dir={self.folder}/kubelet-keys"),
            "--pod-infra-container-image=localhost/pause:latest",
        )
        self.run(self.programs / "kube-proxy", "--config=proxy.json")
        self.until(self.is_ready, "the node is ready")

    def ctr(self, *arguments):
        command = ["ctr", "--address", self.folder / "containerd.sock", "--namespace", "k8s.io"]
        return subprocess.run([*command, *arguments], capture_output=True, text=True)

    def is_ready(self):
        done = self.kubectl("wait", "--for=condition=Ready", "node/node", "--timeout=1s")
        return done.returncode == 0

    def until(self, look, what, patience_s=PATIENCE_S):
        end = time.monotonic() + patience_s
        while not (seen := look()):
            dead = [process.args[0] for process in self.processes if process.poll() is not None]
            if dead or time.monotonic() > end:
                raise TimeoutError(f"{what}: not yet; ended: {dead}; {self.folder}")
            time.sleep(0.2)
        return seen

    def get(self, *arguments):
        """What kubectl says, as JSON."""
        done = self.kubectl("get", *arguments, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def do(self, *arguments, **options):
        done = self.kubectl(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def address_of(self, service, namespace="fotograma"):
        done = self.kubectl(
            *("get", "service", service, "--namespace", namespace),
            *("--output", "jsonpath={.spec.clusterIP}"),
        )
        return done.stdout or None
