#!/usr/bin/env python3
"""Runs tests, and ends them as soon as one of them takes too long, which it names.

usage: scripts/lib/watch_tests.py SECONDS COMMAND...

COMMAND runs tests one after the other: the test program, or `swift test --no-parallel`. Its output is passed on. Exits with the status of COMMAND, or with 124 if one test
has taken more than so many seconds. Whatever COMMAND has started has ended then.

A test that waits for ever does not end by a limit of its own: it keeps its thread. So something else has to look.
"""

import os
import re
import select
import signal
import subprocess
import sys
import time

# Of the cases of a test only the start is printed: the test itself is watched.
STARTED = re.compile(r"^\S+ Test (?!case passing )(.+) started\.$")
ENDED = re.compile(
    r"^\S+ Test (.+?)(?: with \d+ test cases?)? (?:(?:passed|failed) after [0-9.]+ seconds|skipped\b)")


class Running:
    """The test that has begun and not ended, by what is printed. They run one after the other: the start of one is the
    end of the one before, whose last line may be glued to what it has printed itself."""

    def __init__(self):
        self.since = {}

    def note(self, line, now):
        if match := STARTED.match(line):
            # That of the run itself is none.
            if match[1] != "run":
                self.since = {match[1]: now}
        elif match := ENDED.match(line):
            self.since.pop(match[1], None)

    def overdue(self, limit, now):
        """The tests that have taken longer than the limit."""
        return [name for name, since in self.since.items() if now - since > limit]


def pass_on(pipe, rest, running):
    """Passes on what there is to read. Returns what is left of the last line; None: that was the end."""
    piece = os.read(pipe, 65536)
    if not piece:
        return None
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    lines = (rest + piece).split(b"\n")
    for line in lines[:-1]:
        running.note(line.decode(errors="replace").strip(), time.monotonic())
    return lines[-1]


def end(process):
    """Ends a process and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(5)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return


def run(limit, command):
    running = Running()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        pipe = process.stdout.fileno()
        rest = b""
        while rest is not None:
            if select.select([pipe], [], [], 1)[0]:
                rest = pass_on(pipe, rest, running)
            overdue = running.overdue(limit, time.monotonic())
            for name in overdue:
                print(f"FAILED: the test {name} has not ended after {limit:.0f} s", flush=True)
            if overdue:
                return 124
        status = process.wait()
        return status if status >= 0 else 128 - status
    finally:
        end(process)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
