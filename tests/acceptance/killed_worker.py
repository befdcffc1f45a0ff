"""The program without its web server, to be killed. Run by path: ``killed_worker.py CONFIG``.

Prints a line once it works, and ends with its standard input.
"""

from __future__ import annotations

import sys
from pathlib import Path

from oneclick_sla_plugin.bootstrap import build
from oneclick_sla_plugin.config import load_config
from oneclick_sla_plugin.observability import configure_logging

configure_logging("warning")
with build(load_config(Path(sys.argv[1]))) as program:
    program.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
