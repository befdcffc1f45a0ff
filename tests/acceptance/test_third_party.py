"""A stranger's adapter, from a wheel of its own beside ours, keeps the contract where no checkout is in reach."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from oneclick_sla_plugin.testing.contract import SCENARIOS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "paperdesk"

WHERE = """
import paperdesk_sla, oneclick_sla_plugin, oneclick_sla_zendesk
print(*(module.__file__ for module in (paperdesk_sla, oneclick_sla_plugin, oneclick_sla_zendesk)), sep="\\n")
"""


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, check=False, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_a_third_party_adapter_passes_from_its_wheel(tmp_path: Path) -> None:
    """Installed into a folder, by an interpreter that finds there, and in no other place, the two distributions."""
    wheels, installed = tmp_path / "wheels", tmp_path / "installed"
    for project in (ROOT, EXAMPLE):
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels]
        run(*build, project, folder=tmp_path)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", installed]
    run(*install, *wheels.glob("*.whl"), folder=tmp_path)
    # Libraries are borrowed from this environment. Its links to the checkout are not followed in PYTHONPATH.
    path = os.pathsep.join([str(installed), sysconfig.get_path("purelib")])
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = run(python, "-c", WHERE, folder=tmp_path, PYTHONPATH=path).split()
    assert all(Path(module).is_relative_to(installed) for module in found), found
    contract = tmp_path / "test_contract.py"
    contract.write_text((EXAMPLE / "test_contract.py").read_text())
    pytest = [python, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "--import-mode=importlib", contract]
    assert f"{len(SCENARIOS)} passed" in run(*pytest, folder=tmp_path, PYTHONPATH=path)
