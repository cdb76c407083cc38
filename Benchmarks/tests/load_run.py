"""One run of martlet-load, from its arguments to what it said."""

import json
import subprocess
from dataclasses import dataclass

from harness.programs import BUILT

PATIENCE_SECONDS = 60
# Of the exit status.
MISUSED, NOT_CONNECTED, NOT_UPGRADED, PROTOCOL_ERROR, WRONG_MESSAGE, LOST, SILENCE = range(2, 9)


@dataclass
class Run:
    status: int
    output: str
    error: str

    @property
    def result(self):
        """What `--json` printed."""
        return json.loads(self.output.splitlines()[-1])


def _command(mode, target, arguments):
    url = f"ws://127.0.0.1:{target}/" if isinstance(target, int) else target
    first, *rest = mode.split()
    if first == "stall" and rest:
        first, rest = "stall " + rest[0], rest[1:]
    return [str(BUILT / "martlet-load"), *first.split(), url, *rest, *map(str, arguments)]


def load(mode, target, *arguments, text=None, is_json=True):
    """Runs it to its end. `target` is a port of 127.0.0.1, or a URL; `text` is its stdin."""
    command = _command(mode, target, arguments) + (["--json"] if is_json else [])
    run = subprocess.run(command, input=text or "", capture_output=True, text=True,
                         timeout=PATIENCE_SECONDS)
    return Run(run.returncode, run.stdout, run.stderr)


def start(mode, target, *arguments, stderr=subprocess.PIPE):
    """Starts it, for whoever wants to disturb it."""
    return subprocess.Popen(_command(mode, target, (*arguments, "--json")), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=stderr, text=True)
