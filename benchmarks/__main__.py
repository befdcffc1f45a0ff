"""Run every benchmark and print its tables: ``python -m benchmarks``."""

from __future__ import annotations

import os
import platform

from rich.console import Console

from benchmarks import (
    calendar_bench,
    classifier_bench,
    decision_bench,
    detectors_bench,
    looks_bench,
    webhooks_bench,
)

_WIDTH = 100
"""Fixed, so that figures are never cut short where the output is not a terminal."""


def main() -> None:
    console = Console(width=_WIDTH)
    console.print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )
    for bench in (calendar_bench, classifier_bench, detectors_bench, decision_bench, webhooks_bench, looks_bench):
        for table in bench.tables():
            console.print(table)


if __name__ == "__main__":
    main()
