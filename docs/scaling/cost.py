#!/usr/bin/env python3
"""What a number of videos costs a month, as functions and as pods: cost.py --videos 10000 --job-seconds 30

List prices of us-east-1 in dollars, without free tiers and without what volume takes off. Where each is
from stands beside it; check them on AWS's own pages before you rely on a figure.
"""

import argparse

HOURS = 730

# name: (dollars, of what, where it is from)
PRICES = {
    "lambda_gb_s": (1.33334e-5, "a GB-second on arm64", "cloudchipr.com/blog/aws-lambda-pricing"),
    "lambda_call": (0.20e-6, "a call", "cloudchipr.com/blog/aws-lambda-pricing"),
    "http_api": (1.00e-6, "a request", "www.apigatewaycost.com/aws"),
    "s3_put": (5e-6, "a PUT", "devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples"),
    "s3_get": (0.4e-6, "a GET", "devnotes.tech, as above"),
    "s3_gb": (0.023, "a GB a month", "devnotes.tech, as above"),
    "egress_gb": (0.09, "a GB to the internet", "devnotes.tech, as above"),
    "sqs": (0.40e-6, "a request", "cloudburn.io/blog/amazon-sqs-pricing"),
    "sns": (0.50e-6, "a publication", "www.factualminds.com/blog/amazon-sns-pricing-publishes-fanout-protocols"),
    "ses": (0.10e-3, "a mail", "www.acecloudinterviews.com/tutorials/aws/ses"),
    "ddb_write": (0.625e-6, "a write of 1 KB", "airbyte.com/data-engineering-resources/dynamodb-pricing"),
    "ddb_read": (0.125e-6, "a read of 4 KB", "airbyte.com, as above"),
    "logs_gb": (0.50, "a GB taken in", "go-cloud.io/aws-api-gateway-pricing"),
    "alarm": (0.10, "an alarm a month", "c3x.dev/resources/aws/aws_cloudwatch_metric_alarm"),
    "metric": (0.30, "a custom metric a month, each set of labels apart", "signoz.io/guides/cloudwatch-pricing"),
    "dashboard": (3.00, "a dashboard a month", "www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards"),
    "eks_hour": (0.10, "an hour of a cluster", "cloudburn.io/blog/amazon-eks-pricing"),
    "auto_mode": (0.12, "of a node's price, for EKS Auto Mode", "cloudburn.io/blog/amazon-eks-pricing"),
    "node_hour": (0.0816, "an hour of m7g.large, 2 processors", "www.factualminds.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026"),
    "nat_hour": (0.045, "an hour of a NAT gateway", "cloudpipelines.pages.dev/guides/aws-nat-gateway-pricing-2026"),
    "address_hour": (0.005, "an hour of a public IPv4 address", "cloudburn.io/blog/aws-nat-gateway-pricing"),
    "alb_hour": (0.0225, "an hour of a load balancer", "awsnegotiations.com/elastic-load-balancer-cost.html"),
    "lcu_hour": (0.008, "an hour of its unit of use", "awsnegotiations.com, as above"),
}

# What one video asks for, counted on the journey that the tests of the stacks go: registered, uploaded,
# completed, looked at five times, downloaded once.
HTTP_REQUESTS = 9
QUEUE_REQUESTS = 14
# A write of the table is one of the index of a user's videos too.
TABLE_WRITES, WRITE_KB = 14, 4
TABLE_READS = 20
S3_GETS = 26
PART_GB = 8e-3
LOG_GB = 12 * 600e-9
# Functions that are no job: how many calls, of how many seconds, with how much memory.
SMALL_CALLS, SMALL_S, SMALL_GB = 14, 0.02, 0.25
JOB_GB = 1769 / 1024
# How much of the nodes' time is work: simulate.py says.
BUSY = 0.5
BASE_NODES = 2
# One of the NAT gateway, and one of the load balancer in each zone.
ADDRESSES = 3
# Alarms and dashboards of the stacks: a queue has two alarms, and so has a function.
QUEUES, FUNCTIONS = 3, 29
# Estimated, not counted: names of figures times their labels.
METRICS = 60


def price(name):
    return PRICES[name][0]


def common(videos, gb_in, gb_out, keep_days):
    """What both ways cost."""
    puts = 3 + max(1, gb_out / PART_GB)
    return {
        "storage": videos * (gb_in * min(30, keep_days) + gb_out * keep_days) / 30 * price("s3_gb"),
        "egress": videos * gb_out * price("egress_gb"),
        "s3 requests": videos * (puts * price("s3_put") + S3_GETS * price("s3_get")),
        "table": videos * (TABLE_WRITES * WRITE_KB * price("ddb_write") + TABLE_READS * price("ddb_read")),
        "queues, topic, mail": videos * (QUEUE_REQUESTS * price("sqs") + price("sns") + price("ses")),
        "logs": videos * LOG_GB * price("logs_gb"),
    }


def watching(alarms, dashboards, metrics):
    return alarms * price("alarm") + dashboards * price("dashboard") + metrics * price("metric")


def functions(videos, job_s, gb_in=0.1, gb_out=0.02, keep_days=30):
    """Dollars a month by item, as functions."""
    small = SMALL_CALLS * (price("lambda_call") + SMALL_S * SMALL_GB * price("lambda_gb_s"))
    return common(videos, gb_in, gb_out, keep_days) | {
        "jobs": videos * (job_s * JOB_GB * price("lambda_gb_s") + price("lambda_call")),
        "other functions": videos * small,
        "http api": videos * HTTP_REQUESTS * price("http_api"),
        "watching": watching(alarms=2 * QUEUES + 2 * FUNCTIONS + 1, dashboards=2, metrics=METRICS),
    }


def pods(videos, job_s, gb_in=0.1, gb_out=0.02, keep_days=30):
    """Dollars a month by item, as pods on EKS."""
    node = price("node_hour") * (1 + price("auto_mode"))
    return common(videos, gb_in, gb_out, keep_days) | {
        "jobs": videos * job_s / 3600 / BUSY / 2 * node,
        "cluster": price("eks_hour") * HOURS,
        "nodes that stay": BASE_NODES * node * HOURS,
        "nat, load balancer": (price("nat_hour") + price("alb_hour") + price("lcu_hour")) * HOURS,
        "addresses": ADDRESSES * price("address_hour") * HOURS,
        "polling": 4 * HOURS * 3600 / 20 * price("sqs"),
        # Pods tell their figures to Prometheus, whose place is not in the sum.
        "watching": watching(alarms=2 * QUEUES, dashboards=1, metrics=0),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, nargs="+", default=[100, 10_000, 1_000_000])
    parser.add_argument("--job-seconds", type=float, default=30, help="of one processor, a video")
    parser.add_argument("--gb-in", type=float, default=0.1, help="the size of a video")
    parser.add_argument("--gb-out", type=float, default=0.02, help="the size of its zip")
    parser.add_argument("--keep-days", type=float, default=30, help="how long a zip is kept")
    parser.add_argument("--items", action="store_true", help="tell what makes up the sum")
    told = parser.parse_args()
    for videos in told.videos:
        sizes = (told.gb_in, told.gb_out, told.keep_days)
        for way, cost in (("functions", functions), ("pods", pods)):
            items = cost(videos, told.job_seconds, *sizes)
            print(f"{videos:>9,} videos as {way:9} ${sum(items.values()):>10,.2f}")
            if told.items:
                for name, dollars in sorted(items.items(), key=lambda item: -item[1]):
                    print(f"{'':20}{name:22} ${dollars:>10,.2f}")


if __name__ == "__main__":
    main()
