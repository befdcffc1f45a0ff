"""What ``oneclick-sla serve`` does with its own process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot keep a process to a processor")
def test_a_process_keeps_to_one_of_the_processors_it_may_use() -> None:
    """All its threads, those that start later too; asked of a process of its own."""
    script = """
import os, threading
from oneclick_sla_plugin.cli.serve import keep_to_one_processor
before = os.sched_getaffinity(0)
keep_to_one_processor()
seen = []
thread = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
thread.start()
thread.join()
assert seen == [os.sched_getaffinity(0)] and len(seen[0]) == 1 and seen[0] <= before
"""
    subprocess.run([sys.executable, "-c", script], check=True)
