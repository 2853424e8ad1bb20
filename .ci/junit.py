#!/usr/bin/env python3
"""Adds up JUnit reports: prints `PASSED FAILED SKIPPED` of the files that are named."""

import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    """What became of one test case."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def main():
    reports = [ElementTree.parse(path) for path in sys.argv[1:]]
    found = [outcome(case) for report in reports for case in report.iter("testcase")]
    print(*(found.count(word) for word in ("passed", "failed", "skipped")))


if __name__ == "__main__":
    main()
