"""``python -m oneclick_sla_plugin.cli``: the command line without its script."""

from oneclick_sla_plugin.cli import main

main()
