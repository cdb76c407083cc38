"""The servers that are compared. Adding one is adding a Program here."""

from dataclasses import dataclass, field, replace
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
PROJECT = BENCHMARKS.parent
BUILT = BENCHMARKS / ".build"


@dataclass(frozen=True)
class Program:
    name: str
    command: tuple  # "{port}" and "{max_message_bytes}" are filled in
    backend: str  # what it is compared on: "io_uring" or "epoll"
    counters: tuple = ()  # arguments that make it print `messages=… syscalls=…` once a second
    is_gated: bool = False  # the thresholds are for it

    @property
    def is_built(self):
        return Path(self.command[0]).is_file()

    def with_arguments(self, *arguments):
        return replace(self, command=self.command + arguments)

    def arguments(self, port, has_counters):
        values = {"port": port, "max_message_bytes": 1 << 20}
        return [part.format(**values) for part in self.command] + list(
            self.counters if has_counters else ()
        )


def _floor(backend, executable):
    command = (str(BUILT / executable), "--port", "{port}")
    return Program(executable, command, backend, counters=("--stats",))


def echo(backend, *arguments):
    """The engine's example. Later arguments prevail."""
    command = (
        str(PROJECT / ".build/release/echo"),
        *("--host", "127.0.0.1", "--port", "{port}", "--reactors", "1"),
        *("--backend", backend, "--max-message-bytes", "{max_message_bytes}"),
        *arguments,
    )
    return Program(f"echo:{backend}", command, backend, counters=("--stats",), is_gated=True)


FLOORS = {"io_uring": _floor("io_uring", "floor-uring"), "epoll": _floor("epoll", "floor-epoll")}

PROGRAMS = [*FLOORS.values(), echo("io_uring"), echo("epoll")]


@dataclass(frozen=True)
class Workload:
    name: str
    connections: int
    messages: int  # in one measured run, about a second or two of work
    load: tuple = field(default=())  # further arguments of the load client

    def arguments(self):
        return ["--connections", str(self.connections), *self.load]


WORKLOADS = [
    Workload("echo-20", 200, 300_000, ("--size", "20")),
    Workload("echo-1k", 200, 300_000, ("--size", "1024")),
    Workload("echo-16k", 200, 150_000, ("--size", "16384")),
    Workload(
        "pipelined", 100, 3_000_000, ("--payload", "hello world!!13212312!", "--in-flight", "16")
    ),
    Workload("busy-1000", 1000, 300_000, ("--size", "20")),
]
BUSY = WORKLOADS[-1]
