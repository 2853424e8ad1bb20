"""The figures in the manifests lose no work in the simulation, and others would."""

import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "docs/scaling"))
import cost  # noqa: E402
import simulate  # noqa: E402


@pytest.fixture(scope="module")
def chosen(prod):
    """What the manifests choose."""
    spec = prod.get("Deployment", "video-processor")["spec"]["template"]["spec"]
    scaler = prod.get("ScaledObject", "video-processor")["spec"]
    trigger = scaler["triggers"][0]["metadata"]
    return simulate.Settings(
        grace_s=spec["terminationGracePeriodSeconds"],
        scale_on_in_flight=trigger["scaleOnInFlight"] == "true",
        queue_length=int(trigger["queueLength"]),
        most_pods=scaler["maxReplicaCount"],
        cooldown_s=scaler["cooldownPeriod"],
    )


def test_what_the_manifests_choose_loses_no_work(chosen):
    for seed in range(3):
        outcome = simulate.simulate(simulate.burst(seed), chosen, seed)
        assert (outcome.done, outcome.cut_off, outcome.left) == (250, 0, 0)


def test_the_usual_grace_would(chosen):
    usual = simulate.Settings(grace_s=40, scale_on_in_flight=chosen.scale_on_in_flight)
    assert simulate.simulate(simulate.burst(), usual).cut_off > 0


def test_the_costs_are_of_as_many_queues_and_functions_as_there_are(table):
    functions = [f for f in table["features"] if not f["trigger"].get("form")]
    assert (cost.QUEUES, cost.FUNCTIONS) == (len(table["queues"]), len(functions))
    assert all(source for _, _, source in cost.PRICES.values())
