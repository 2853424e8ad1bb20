"""What the manifests say is what the table of features says, and what a cluster needs."""

import re
import subprocess
import sys
from pathlib import Path

QUEUED = ("sqs", "sns", "s3")


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def environment(container):
    return {variable["name"]: variable.get("value") for variable in container.get("env", [])}


def test_the_schemas_of_a_new_kubernetes_take_every_document(overlay, tmp_path):
    path = tmp_path / "overlay.yaml"
    # KEDA's own kinds have no schema among Kubernetes's.
    path.write_text(
        "\n---\n".join(
            document
            for document in overlay.text.split("\n---\n")
            if "apiVersion: keda.sh/" not in document
        )
    )
    validate = Path(sys.executable).with_name("kubernetes-validate")
    done = subprocess.run(
        [validate, "-k", "1.34", "--strict", path], capture_output=True, text=True
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0 and "WARN" not in output, output


def test_every_service_of_the_table_is_served_on_its_port(overlay, table):
    routed = {f["service"] for f in table["features"] if f["trigger"]["type"] == "http"}
    for service in table["services"]:
        name, port = service["name"], service["port"]
        overlay.get("ServiceAccount", name)
        if name not in routed:
            continue
        (container,) = overlay.get("Deployment", name)["spec"]["template"]["spec"]["containers"]
        assert container["args"] == ["serve", name]
        assert container["ports"][0]["containerPort"] == port
        assert overlay.get("Service", name)["spec"]["ports"][0]["port"] == port


def test_every_queue_of_the_table_has_a_worker(overlay, table):
    polled = {f["service"] for f in table["features"] if f["trigger"]["type"] in QUEUED}
    workers = set()
    for _, spec in overlay.pods():
        (container,) = spec["containers"]
        if container["args"][0] == "work":
            workers.add(container["args"][1])
            assert spec["serviceAccountName"] == container["args"][1]
    assert workers == polled


def test_what_the_clock_sets_off_is_run_as_often(overlay, table):
    for feature in table["features"]:
        if feature["trigger"]["type"] != "schedule":
            continue
        cron = overlay.get("CronJob", feature["name"])
        minutes = feature["trigger"]["every_s"] // 60
        assert cron["spec"]["schedule"] == f"*/{minutes} * * * *"
        assert cron["spec"]["concurrencyPolicy"] == "Forbid"
        spec = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        assert spec["serviceAccountName"] == feature["service"]
        assert spec["containers"][0]["args"] == ["run", feature["name"]]


def features_of(container, table):
    """The rows that a pod runs: those of its service, or the one that it is named."""
    command, *names = container["args"]
    key = {"serve": "service", "work": "service", "run": "name"}.get(command)
    return [feature for feature in table["features"] if key and feature[key] == names[0]]


def test_a_pod_has_the_memory_that_the_table_gives_its_features(overlay, table):
    seen = set()
    for name, spec in overlay.pods():
        (container,) = spec["containers"]
        if features := features_of(container, table):
            seen |= {feature["name"] for feature in features}
            most = max(feature["limits"]["memory_mib"] for feature in features)
            assert container["resources"]["limits"]["memory"] == f"{most}Mi", name
    assert seen == {feature["name"] for feature in table["features"]}


def test_a_pod_has_the_time_that_the_table_gives_its_features(overlay, table):
    limits = {feature["name"]: feature["limits"] for feature in table["features"]}
    (processor,) = overlay.get("Deployment", "video-processor")["spec"]["template"]["spec"]["containers"]
    # A pod may take longer over a video than a function can.
    longest = seconds(environment(processor)["FOTOGRAMA_MAX_TIME"])
    assert longest >= limits["process-video"]["timeout_s"]
    for cron in overlay.of("CronJob"):
        deadline = cron["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]
        assert deadline == limits[cron["metadata"]["name"]]["timeout_s"]


def test_as_many_videos_are_worked_on_at_a_time_as_the_table_says(prod, table):
    (limits,) = [f["limits"] for f in table["features"] if f["name"] == "process-video"]
    (processor,) = prod.get("Deployment", "video-processor")["spec"]["template"]["spec"]["containers"]
    each = int(environment(processor)["FOTOGRAMA_CONCURRENCY"])
    scaler = prod.get("ScaledObject", "video-processor")["spec"]
    assert scaler["maxReplicaCount"] * each == limits["concurrency"]


def test_no_pod_runs_as_root_or_may_write_or_become_more(overlay):
    for name, spec in overlay.pods():
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"], name
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["capabilities"] == {"drop": ["ALL"]}, name
            assert "memory" in container["resources"]["limits"], name
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name


def test_a_pod_is_given_longer_to_end_than_its_work_takes(overlay):
    grace, lame_duck = 25, seconds(overlay.variables()["FOTOGRAMA_LAME_DUCK"])
    for name, spec in overlay.pods():
        (container,) = spec["containers"]
        if container["args"][0] not in ("serve", "work"):
            continue
        told = environment(container)
        work = seconds(told.get("FOTOGRAMA_GRACE", f"{grace}s")) + lame_duck
        assert spec["terminationGracePeriodSeconds"] > work, name
        if "FOTOGRAMA_MAX_TIME" in told:
            longest = seconds(told["FOTOGRAMA_MAX_TIME"])
            assert seconds(told["FOTOGRAMA_GRACE"]) > longest, name


def test_a_node_can_be_drained(overlay):
    budgets = {b["metadata"]["name"]: b["spec"] for b in overlay.of("PodDisruptionBudget")}
    for deployment in overlay.of("Deployment"):
        name = deployment["metadata"]["name"]
        if name == "aws":
            continue
        assert budgets[name]["maxUnavailable"] == 1
        assert "minAvailable" not in budgets[name]
        assert budgets[name]["selector"] == deployment["spec"]["selector"]


def test_the_nodes_credentials_are_out_of_reach_and_pod_identitys_agent_is_not(overlay):
    policy = overlay.get("NetworkPolicy", "fotograma")["spec"]
    assert policy["podSelector"] == {}
    (egress,) = policy["egress"]
    assert egress["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]


def test_dev_has_load_balancers_on_the_ports_of_the_readme(dev):
    ports = {
        service["spec"]["ports"][0]["port"]
        for service in dev.of("Service")
        if service["spec"].get("type") == "LoadBalancer"
    }
    assert ports == {8001, 8002, 8003, 8004}


def test_in_prod_each_account_takes_the_role_of_its_name(prod, table):
    for service in table["services"]:
        annotations = prod.get("ServiceAccount", service["name"])["metadata"]["annotations"]
        role = f"arn:aws:iam::111122223333:role/tech5-prod-{service['name']}"
        assert annotations["eks.amazonaws.com/role-arn"] == role


def test_in_prod_every_id_is_told(prod, table):
    queues = {f["trigger"]["queue"] for f in table["features"] if "queue" in f["trigger"]}
    wanted = {f"FOTOGRAMA_{queue.upper().replace('-', '_')}_URL" for queue in queues}
    wanted |= {"FOTOGRAMA_BUCKET", "FOTOGRAMA_TABLE", "FOTOGRAMA_TOPIC_ARN"}
    wanted |= {"FOTOGRAMA_USER_POOL_ID", "FOTOGRAMA_CLIENT_ID"}
    assert wanted <= set(prod.variables())
    assert not [name for name in prod.variables() if "SECRET" in name or "ACCESS_KEY" in name]


def test_in_prod_every_route_of_the_table_has_a_way_in(prod, table):
    (rule,) = prod.get("Ingress", "fotograma")["spec"]["rules"]
    ways = [(way["path"], way["backend"]["service"]["name"]) for way in rule["http"]["paths"]]
    for feature in table["features"]:
        if feature["trigger"]["type"] != "http":
            continue
        path = feature["trigger"]["path"]
        # The longest prefix wins, whole segments compared.
        fitting = [way for way in ways if f"{path}/".startswith(f"{way[0]}/")]
        assert max(fitting)[1] == feature["service"], path


def test_scaling_in_takes_no_pod_that_is_busy_for_longer_than_it_may_take(prod):
    scaler = prod.get("ScaledObject", "video-processor")["spec"]
    (trigger,) = scaler["triggers"]
    variables = prod.variables()
    assert trigger["metadata"]["scaleOnInFlight"] == "true"
    assert trigger["metadata"]["queueURL"] == variables["FOTOGRAMA_VIDEO_QUEUE_URL"]
    assert trigger["metadata"]["awsRegion"] == variables["AWS_REGION"]
    # What an autoscaler decides, no manifest may: each apply would take pods away.
    scaled = {"video-processor"} | {
        hpa["spec"]["scaleTargetRef"]["name"] for hpa in prod.of("HorizontalPodAutoscaler")
    }
    for name in scaled:
        assert "replicas" not in prod.get("Deployment", name)["spec"], name


def test_every_variable_is_one_that_the_binary_reads(overlay, program):
    commands = {"serve", "work", "run", "provision", "local"}
    read = {
        variable
        for command in commands
        for variable in re.findall(
            r"\[env: ([A-Z_]+)=",
            subprocess.run([program, command, "--help"], capture_output=True, text=True).stdout,
        )
    }
    told = set(overlay.variables())
    for _, spec in overlay.pods():
        told |= set(environment(spec["containers"][0]))
    # The SDK's own.
    assert told - read <= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
