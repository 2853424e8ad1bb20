"""A real API server takes the overlays, and refuses mistakes that somebody might make in them."""

import copy

import pytest
import yaml
from api_server import lowered


@pytest.fixture(scope="module", autouse=True)
def namespace(api_server, dev):
    done = api_server.kubectl(
        "apply", "-f", "-", text=yaml.safe_dump(dev.get("Namespace", "fotograma"))
    )
    assert done.returncode == 0, done.stderr


def offered(api_server, text):
    """The server's answer to documents that it checks and does not keep."""
    return api_server.kubectl(
        "apply", "--server-side", "--dry-run=server", "-f", "-", text=lowered(text)
    )


def test_it_takes_the_overlays_as_they_are(api_server, overlay):
    documents = [d for d in overlay.documents if not d["apiVersion"].startswith("keda.sh/")]
    done = offered(api_server, yaml.safe_dump_all(documents))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(documents)


def container(document):
    return document["spec"]["template"]["spec"]["containers"][0]


DEPLOYMENT = ("Deployment", "auth-service")
CRON = ("CronJob", "sweep")
BUDGET = ("PodDisruptionBudget", "auth-service")
POLICY = ("NetworkPolicy", "fotograma")
SERVICE = ("Service", "auth-service")

# What is wrong, where, how it comes about, and a word of the server's about it.
MISTAKES = [
    (
        "a selector that fits none of its pods",
        DEPLOYMENT,
        lambda d: d["spec"]["selector"]["matchLabels"].update(app="other"),
        "selector",
    ),
    (
        "a limit below the request",
        DEPLOYMENT,
        lambda d: container(d)["resources"].update(limits={"memory": "32Mi"}),
        "must be less than or equal to memory limit",
    ),
    (
        "a mount of no volume",
        DEPLOYMENT,
        lambda d: container(d)["volumeMounts"][0].update(name="none"),
        "volumeMounts",
    ),
    (
        "two containers of one name",
        DEPLOYMENT,
        lambda d: d["spec"]["template"]["spec"]["containers"].append(container(d)),
        "name",
    ),
    (
        "a clock of four fields",
        CRON,
        lambda d: d["spec"].update(schedule="*/5 * * *"),
        "schedule",
    ),
    (
        "a job that restarts for ever",
        CRON,
        lambda d: d["spec"]["jobTemplate"]["spec"]["template"]["spec"].update(
            restartPolicy="Always"
        ),
        "restartPolicy",
    ),
    (
        "a concurrency policy that there is not",
        CRON,
        lambda d: d["spec"].update(concurrencyPolicy="Never"),
        "concurrencyPolicy",
    ),
    (
        "a port's name that is too long",
        DEPLOYMENT,
        lambda d: container(d)["ports"][0].update(name="a-name-longer-than-15"),
        "must be no more than 15 characters",
    ),
    (
        "a variable's name with a space",
        DEPLOYMENT,
        lambda d: container(d).update(env=[{"name": "A B", "value": "c"}]),
        "env",
    ),
    (
        "megabytes as nobody writes them",
        DEPLOYMENT,
        lambda d: container(d)["resources"].update(limits={"memory": "256MB"}),
        "quantities must match",
    ),
    (
        "a label with a slash in its value",
        DEPLOYMENT,
        lambda d: d["metadata"]["labels"].update(app="a/b"),
        "label",
    ),
    (
        "a budget with both limits",
        BUDGET,
        lambda d: d["spec"].update(minAvailable=1),
        "cannot be both set",
    ),
    (
        "a probe of two kinds",
        DEPLOYMENT,
        lambda d: container(d)["livenessProbe"].update(tcpSocket={"port": 1}),
        "may not specify more than 1",
    ),
    (
        "a misspelt field",
        DEPLOYMENT,
        lambda d: container(d).update(readinesProbe={}),
        "readinesProbe",
    ),
    (
        "a liveness that must succeed twice",
        DEPLOYMENT,
        lambda d: container(d)["livenessProbe"].update(successThreshold=2),
        "successThreshold",
    ),
    (
        "a network that is none",
        POLICY,
        lambda d: d["spec"]["egress"][0]["to"][0]["ipBlock"].update(cidr="0.0.0.0/33"),
        "cidr",
    ),
    (
        "an exception outside its network",
        POLICY,
        lambda d: d["spec"]["egress"][0]["to"][0]["ipBlock"].update(cidr="10.0.0.0/8"),
        "except",
    ),
    (
        "a port beyond the last",
        SERVICE,
        lambda d: d["spec"]["ports"][0].update(port=80001),
        "must be between 1 and 65535",
    ),
    (
        "privileged, and not to be escalated",
        DEPLOYMENT,
        lambda d: container(d)["securityContext"].update(privileged=True),
        "privileged",
    ),
    (
        "a rollout that may neither add nor remove",
        DEPLOYMENT,
        lambda d: d["spec"].update(
            strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}
        ),
        "maxUnavailable",
    ),
]


@pytest.mark.parametrize(
    ("where", "make", "says"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES]
)
def test_it_refuses(api_server, dev, where, make, says):
    document = copy.deepcopy(dev.get(*where))
    make(document)
    done = offered(api_server, yaml.safe_dump(document))
    assert done.returncode != 0, done.stdout
    assert says in done.stderr
