"""Synthesises the stacks, and deploys them by CloudFormation to ministack, each function behind a gate."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import requests
from gate import ACCOUNT, REGION, Gate
from template import Templates

CDK = Path(__file__).resolve().parents[1]


def free_ports(number):
    held = [socket.socket() for _ in range(number)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


class Ministack:
    """An emulator that runs functions' own bootstraps."""

    def __init__(self, folder):
        (self.port,) = free_ports(1)
        # By this name, as its own addresses say it: with 127.0.0.1 a function's URL is not read.
        self.url = f"http://localhost:{self.port}"
        self.log = folder / "ministack.log"
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "EDGE_PORT": str(self.port),
            "MINISTACK_HOST": "localhost",
            "PERSIST_STATE": "0",
            "STATE_DIR": str(folder / "state"),
            "LAMBDA_EXECUTOR": "local",
        }
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("ministack")],
                env=environment,
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._wait()

    def _wait(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(self.log.read_text()[-2000:])
            try:
                requests.get(f"{self.url}/_ministack/health", timeout=5)
                return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise TimeoutError("ministack does not answer")

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


def zips(folder):
    """Folders or zips of the functions: those of `make lambda` where FOTOGRAMA_ZIP names one, or else
    the binary of FOTOGRAMA_BIN as it is."""
    if os.environ.get("FOTOGRAMA_ZIP"):
        return os.environ["FOTOGRAMA_ZIP"]
    code = folder / "code"
    code.mkdir()
    # Without what only a debugger reads it is a tenth as large.
    program = Path(os.environ["FOTOGRAMA_BIN"]).resolve()
    subprocess.run(["strip", "-o", code / "bootstrap", program], check=True)
    return str(code)


class Deployment:
    def __init__(self, folder):
        self.folder = folder
        self.ministack = Ministack(folder)
        self.gate = Gate(self.ministack.port)

    def deploy(self):
        features = json.loads((CDK / "features.json").read_text())["features"]
        names = [feature["name"] for feature in features]
        ports = dict(zip(names, free_ports(len(names))))
        out = self._synthesise(ports)
        # What `cdk bootstrap` leaves.
        ssm = self.ministack.client("ssm")
        ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
        assets = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
        self.ministack.client("s3").create_bucket(Bucket=assets)

        self.outputs = self._create("Data", out)
        roles = Templates(out, self.outputs["UserPoolId"]).roles("Functions")
        for name, statements in roles.items():
            self.gate.open(name, statements, ports[name])
        self.roles = roles
        self.outputs |= self._create("Functions", out)

    def _synthesise(self, ports):
        out = self.folder / "cdk.out"
        code = zips(self.folder)
        emulator = {
            "endpoints": {name: f"http://127.0.0.1:{port}" for name, port in ports.items()},
            "variables": {
                "FOTOGRAMA_FFMPEG": shutil.which("ffmpeg"),
                "FOTOGRAMA_SWEEP_JOBS_AFTER": "2s",
                "FOTOGRAMA_SWEEP_UPLOADS_AFTER": "2s",
            },
        }
        context = {
            "compute": "lambda",
            "architecture": "x86_64",
            "zip": code,
            "processorZip": code,
            "emulator": json.dumps(emulator),
        }
        subprocess.run(["npx", "tsc"], cwd=CDK, check=True)
        environment = {**os.environ, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(out)}
        subprocess.run(["node", "build/bin/app.js"], cwd=CDK, env=environment, check=True)
        return out

    def _create(self, stack, out):
        """Deploys a stack by the CDK's own command, as anybody would: its outputs."""
        outputs = self.folder / f"{stack}.json"
        flags = f"--app {out} --exclusively --require-approval never --no-notices --outputs-file {outputs}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MAKE"))}
        environment |= {
            "AWS_ENDPOINT_URL": self.ministack.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        done = subprocess.run(
            ["make", "terraform-apply", f"STACKS={stack}", f"ARGS={flags}"],
            cwd=CDK.parent,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "CDK makes the stacks" in done.stderr
        (told,) = json.loads(outputs.read_text()).values()
        return told

    def stop(self):
        self.gate.close()
        self.ministack.stop()

