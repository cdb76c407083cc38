"""Servers and loads as child processes: pinned, awaited, read, and ended by their process id."""

import json
import os
import re
import resource
import socket
import subprocess
import threading
import time

from .programs import BUILT

SERVER_CPU, LOAD_CPU = 0, 1
PATIENCE_SECONDS = 120
CPU_CLOCK_OF_SCHEDULER = 2  # CPUCLOCK_SCHED of the kernel
COUNTERS = re.compile(r"messages=(\d+)\b.*?\bsyscalls=(\d+)")
COUNTER = re.compile(r"(\w+)=(\d+)")


class Failure(Exception):
    """A run that gives no number; the message says why."""


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _preparation(cpu, niceness, open_files=None):
    def prepare():
        os.sched_setaffinity(0, {cpu})
        os.nice(niceness)
        if open_files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))

    return prepare


class Measured:
    """What the kernel says about the process `pid`."""

    pid = None

    def resident_bytes(self):
        """From smaps_rollup: VmRSS in status lags by up to 64 pages per CPU."""
        with open(f"/proc/{self.pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Rss:"):
                    return int(line.split()[1]) * 1024
        raise Failure("no Rss in smaps_rollup")

    def open_file_count(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Server(Measured):
    """One server on one CPU. A context manager: it is gone, or the block failed, at the end."""

    def __init__(self, program, cpu=SERVER_CPU, niceness=0, has_counters=False, environment=None,
                 open_files=None):
        self.program = program
        self.port = _free_port()
        self.samples = []  # (monotonic time, messages, system calls)
        self.counters = {}  # the last of all that it prints about itself
        self.log = []
        self._process = subprocess.Popen(
            program.arguments(self.port, has_counters),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
            preexec_fn=_preparation(cpu, niceness, open_files),
        )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.log = self.log[-20:] + [line.rstrip()]
            if found := COUNTERS.search(line):
                self.samples.append((time.monotonic(), int(found[1]), int(found[2])))
                self.counters = {key: int(value) for key, value in COUNTER.findall(line)}

    def __enter__(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.02)
        self.__exit__(None, None, None)
        raise Failure(f"{self.program.name} does not accept connections: {self.log}")

    def __exit__(self, kind, error, trace):
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(5)
        self._process.stdout.close()
        if kind is None and self._process.returncode != 0:
            raise Failure(f"{self.program.name} exited {self._process.returncode}: {self.log}")

    def cpu_nanoseconds(self):
        """The scheduler's own account of every thread. Exact while the server sleeps, which it does
        whenever no message is outstanding. Only valid if all processes on this CPU have the same
        niceness: the kernel (6.18) charges some time to the heavier one otherwise."""
        total = 0
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
        return total

    def all_cpu_nanoseconds(self):
        """The same account with the threads that have ended since, by the CPU-time clock that the
        kernel keeps for each process. It includes what runs just now."""
        return time.clock_gettime_ns((~self.pid << 3) | CPU_CLOCK_OF_SCHEDULER)

    def _status_bytes(self, *names):
        with open(f"/proc/{self.pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        return [int(fields[name].split()[0]) * 1024 for name in names]

    def forget_peak(self):
        """Lets `peak_user_bytes` begin from now. Returns the memory of now,
        that mapped from files left out."""
        with open(f"/proc/{self.pid}/clear_refs", "w") as file:
            file.write("5")
        return sum(self._status_bytes("RssAnon", "RssShmem"))

    def peak_user_bytes(self):
        """The most memory that was resident, anonymous or shared as a log's is: the peak knows no
        kinds, but what is mapped from files stays."""
        peak, files = self._status_bytes("VmHWM", "RssFile")
        return peak - files

    def socket_count(self):
        """Connections of its port that the kernel knows, whatever their state, but for those that
        only wait for their time to pass."""
        listening, time_wait = "0A", "06"
        count = 0
        with open("/proc/net/tcp") as table:
            next(table)
            for line in table:
                _, local, _, state, _ = line.split(None, 4)
                is_its = int(local.rpartition(":")[2], 16) == self.port
                count += is_its and state not in (listening, time_wait)
        return count

    def stop(self):
        """Ends it by SIGTERM. Returns the seconds that took."""
        began = time.monotonic()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.program.name} goes on after SIGTERM: {self.log}") from None
        return time.monotonic() - began


class Client(Measured):
    """A process with connections to a server. `ready()` returns once it has said so; then each line on
    its stdin has it do something."""

    def __init__(self, command, patience_seconds=PATIENCE_SECONDS):
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_preparation(LOAD_CPU, 0),
        )
        self.pid = self._process.pid
        self._timer = threading.Timer(patience_seconds, self._process.kill)
        self._timer.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self._process.kill()
        self.end()
        self._process.stdout.close()
        self._process.stderr.close()

    def end(self):
        """Ends all connections. Returns the seconds that took."""
        began = time.monotonic()
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        self._process.wait()
        self._timer.cancel()
        return time.monotonic() - began

    def ended_well(self):
        return self._process.wait() == 0

    def kill(self):
        self._process.kill()

    def _line(self):
        line = self._process.stdout.readline()
        if not line:
            raise Failure(self._process.stderr.read().strip() or "load took too long: stopped")
        return line

    def ready(self):
        if self._line() != "ready\n":
            raise Failure("load did not say ready")

    def begin(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def again(self):
        """Has every idle connection echo another message."""
        self.begin()
        self.ready()


class Load(Client):
    """A run of `martlet-load`. `ready()` returns once the warm-up is over and nothing is in flight; the
    measured messages flow in `go()`; the connections stay open until the end of the block."""

    def __init__(self, server, arguments, mode="echo", patience_seconds=PATIENCE_SECONDS):
        # One handshake after the other: what a server keeps for many at once is not what is measured.
        super().__init__(
            [str(BUILT / "martlet-load"), mode, f"ws://127.0.0.1:{server.port}/", "--json", "--end", "fin",
             "--parallel", "1", *([] if mode == "idle" else ["--gate"]), *arguments],
            patience_seconds)

    def go(self):
        self.begin()
        return json.loads(self._line())
