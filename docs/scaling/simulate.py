#!/usr/bin/env python3
"""Simulates processors that an autoscaler adds and takes away, second by second: simulate.py

A model, of KEDA's and the HorizontalPodAutoscaler's own rules: the HPA looks every 15 s, at most doubles
(or adds 4), and goes down only to what it wanted most in the last 300 s; KEDA itself takes the first pod
from nothing, and the last one away after its cool-down. Which pod goes when there are too many, the
controller chooses without knowing who is busy: here by chance. A pod that is told to go takes no new job;
a job that is not done when its grace is over is cut off, what it did is lost, and it begins again.
"""

import argparse
import json
import math
import random
from dataclasses import dataclass, field

SYNC_S = 15
STABLE_S = 300
NODE_START_S = 60
# Where nothing more is waited for: jobs that are cut off again and again never end.
HORIZON_S = 8 * 3600
POD_START_S = 4


@dataclass
class Settings:
    """What the manifests choose."""

    grace_s: int
    scale_on_in_flight: bool
    queue_length: int = 1
    most_pods: int = 50
    cooldown_s: int = 300
    # A pod a job, which goes when it is done: KEDA's ScaledJob.
    jobs: bool = False


@dataclass
class Pod:
    ready_s: int
    job: "Job | None" = None
    # When it is over with it; None as long as it may stay.
    until_s: int | None = None
    had_one: bool = False


@dataclass
class Job:
    came_s: float
    takes_s: float
    began_s: int = 0


@dataclass
class Outcome:
    """What came of it; `left` are jobs that were never done."""

    left: int = 0
    done: int = 0
    cut_off: int = 0
    lost_s: int = 0
    pod_s: int = 0
    busy_s: int = 0
    waits_s: list = field(default_factory=list)


def simulate(arrivals, settings, seed=1):
    """Runs all jobs, (second of arrival, seconds of work) each; what came of them."""
    chance = random.Random(seed)
    coming = sorted(arrivals)
    waiting, pods, wanted, outcome = [], [], [], Outcome()
    now, last_work_s = 0, -math.inf
    while now < HORIZON_S and (coming or waiting or any(pod.job for pod in pods)):
        while coming and coming[0][0] <= now:
            waiting.append(Job(*coming.pop(0)))
        _work(pods, waiting, now, outcome)
        pods = [pod for pod in pods if not _is_over(pod, settings)]
        if now % SYNC_S == 0:
            busy = sum(pod.job is not None for pod in pods)
            depth = len(waiting) + (busy if settings.scale_on_in_flight else 0)
            if depth:
                last_work_s = now
            staying = [pod for pod in pods if pod.until_s is None]
            want = _want(settings, depth, len(staying), wanted, now, now - last_work_s)
            for _ in range(want - len(staying)):
                pods.append(Pod(ready_s=now + NODE_START_S + POD_START_S))
            for pod in chance.sample(staying, max(0, len(staying) - want)):
                pod.until_s = now + settings.grace_s
        outcome.pod_s += len(pods)
        now += 1
    outcome.left = len(coming) + len(waiting) + sum(pod.job is not None for pod in pods)
    return outcome


def _work(pods, waiting, now, outcome):
    for pod in pods:
        if pod.job and now - pod.job.began_s >= pod.job.takes_s:
            outcome.done += 1
            pod.job = None
        elif pod.job and pod.until_s is not None and now >= pod.until_s:
            outcome.cut_off += 1
            outcome.lost_s += now - pod.job.began_s
            waiting.insert(0, pod.job)
            pod.job = None
        free = pod.job is None and pod.until_s is None and pod.ready_s <= now
        if free and waiting:
            pod.job, pod.had_one = waiting.pop(0), True
            pod.job.began_s = now
            outcome.waits_s.append(now - pod.job.came_s)
        outcome.busy_s += pod.job is not None


def _is_over(pod, settings):
    return pod.job is None and (pod.until_s is not None or (settings.jobs and pod.had_one))


def _want(settings, depth, there, wanted, now, idle_s):
    """How many pods there are to be."""
    if settings.jobs:
        # Never fewer: a job's pod goes by itself.
        return max(there, min(settings.most_pods, depth))
    raw = min(settings.most_pods, math.ceil(depth / settings.queue_length))
    wanted.append((now, raw))
    wanted[:] = [(at, number) for at, number in wanted if at > now - STABLE_S]
    if there == 0:
        return min(1, depth)
    if depth == 0 and idle_s >= settings.cooldown_s:
        return 0
    if raw > there:
        return min(raw, max(there + 4, 2 * there))
    return max(1, min(there, max(number for _, number in wanted)))


def burst(seed=7):
    """250 videos: 200 in a minute, 50 more ten minutes later; 20 s to 10 min of work each."""
    chance = random.Random(seed)
    times = [chance.uniform(0, 60) for _ in range(200)]
    times += [chance.uniform(600, 660) for _ in range(50)]
    return [(at, chance.choice([20, 30, 60, 120, 600])) for at in times]


def steady(seed=7, hours=4, every_s=30):
    """A video every half minute, some 8 s of work each."""
    chance = random.Random(seed)
    at, found = 0.0, []
    while at < hours * 3600:
        at += chance.expovariate(1 / every_s)
        found.append((at, chance.lognormvariate(math.log(8), 0.6)))
    return found


CHOICES = {
    "grace 40 s": Settings(grace_s=40, scale_on_in_flight=True),
    "grace 40 s, waiting only": Settings(grace_s=40, scale_on_in_flight=False),
    "grace 32 min": Settings(grace_s=1920, scale_on_in_flight=True),
    "grace 32 min, waiting only": Settings(grace_s=1920, scale_on_in_flight=False),
    "ScaledJob": Settings(grace_s=1920, scale_on_in_flight=True, jobs=True),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    for work, arrivals in (("burst", burst()), ("steady", steady())):
        for name, settings in CHOICES.items():
            outcome = simulate(arrivals, settings)
            waits = sorted(outcome.waits_s)
            row = {
                "work": work,
                "choice": name,
                "never_done": outcome.left,
                "cut_off": outcome.cut_off,
                "lost_s": outcome.lost_s,
                "wait_p95_s": round(waits[int(0.95 * (len(waits) - 1))]),
                "pod_hours": round(outcome.pod_s / 3600, 1),
                "busy": round(outcome.busy_s / max(1, outcome.pod_s), 2),
            }
            print(json.dumps(row) if told.json else "  ".join(f"{k} {v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
