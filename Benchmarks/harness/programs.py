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
    is_peer: bool = False  # of another project
    has_control_frames: bool = True  # pings and closes are answered, and not echoed
    uses_malloc: bool = True  # of the C library, so that allocations can be counted
    accepts_many: bool = True  # 15,000 connections in less than two minutes

    @property
    def is_built(self):
        return Path(self.command[0]).is_file()

    @property
    def version(self):
        """Of what it was built from, as its build has noted; None if nobody has."""
        note = Path(self.command[0] + ".version")
        return note.read_text().strip() if note.is_file() else None

    def with_arguments(self, *arguments):
        return replace(self, command=self.command + arguments)

    def at(self, path):
        """Another build of it."""
        return replace(self, command=(path, *self.command[1:]))

    def named(self, name):
        return replace(self, name=name)

    def arguments(self, port, has_counters):
        values = {"port": port, "max_message_bytes": 1 << 20}
        return [part.format(**values) for part in self.command] + list(
            self.counters if has_counters else ()
        )


def _floor(backend, executable):
    command = (str(BUILT / executable), "--port", "{port}")
    return Program(executable, command, backend, counters=("--stats",), has_control_frames=False)


def _peer(name, **fields):
    """Of another project, built by peers/build: one event loop, which waits by epoll."""
    command = (str(BUILT / f"{name}-echo"), "--port", "{port}")
    return Program(name, command, "epoll", is_peer=True, **fields)


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

PEERS = [
    _peer("uwebsockets"),
    _peer("beast"),
    _peer("libwebsockets", accepts_many=False),  # it polls all of them for each step of each
    _peer("niowebsocket"),
    _peer("gorilla", uses_malloc=False),
    _peer("nhooyr", uses_malloc=False),
]

PROGRAMS = [*FLOORS.values(), echo("io_uring"), echo("epoll"), *PEERS]

# The peers are compared when there is time for them; one of them always.
QUICK_PROGRAMS = [program for program in PROGRAMS if not program.is_peer or program is PEERS[0]]


@dataclass(frozen=True)
class Workload:
    name: str
    connections: int
    messages: int  # in one measured run, about a second or two of work
    load: tuple = field(default=())  # further arguments of the load client
    is_usual: bool = True  # part of a quick comparison

    def arguments(self):
        return ["--connections", str(self.connections), *self.load]


_PIPELINED = ("--payload", "hello world!!13212312!", "--in-flight", "16")
BUSY = Workload("busy-1000", 1000, 300_000, ("--size", "20"))


def _more(size_name, size, connections, messages):
    return Workload(f"echo-{size_name}x{connections}", connections, messages,
                    ("--size", str(size)), is_usual=False)


WORKLOADS = [
    Workload("echo-20", 200, 300_000, ("--size", "20")),
    Workload("echo-1k", 200, 300_000, ("--size", "1024")),
    Workload("echo-16k", 200, 150_000, ("--size", "16384")),
    Workload("pipelined", 100, 3_000_000, _PIPELINED),
    BUSY,
    _more("20", 20, 100, 300_000),
    _more("1k", 1024, 100, 300_000),
    _more("8k", 8192, 100, 200_000),
    _more("16k", 16384, 100, 150_000),
    _more("16k", 16384, 500, 150_000),
]
USUAL_WORKLOADS = [workload for workload in WORKLOADS if workload.is_usual]
