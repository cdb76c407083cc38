"""The servers and the cases of the comparison of broadcasts."""

from dataclasses import dataclass, replace

from .programs import BENCHMARKS, BUILT, Program

PEER = "uwebsockets"  # whom the ratio is taken to


def _server(name, executable, *arguments, **fields):
    command = (str(executable), "--port", "{port}", *arguments)
    return Program(name, command, **fields)


def martlet(backend):
    return _server(
        f"martlet:{backend}",
        BENCHMARKS / ".build/release/fanout-server",
        *("--backend", backend, "--reactors", "1"),
        backend=backend,
        counters=("--stats",),
        is_gated=True,
    )


PROGRAMS = [
    martlet("io_uring"),
    martlet("epoll"),
    _server(PEER, BUILT / "uwebsockets-fanout", backend="epoll"),
    _server("gorilla", BUILT / "gorilla-fanout", backend="epoll"),
]

# Its publishing threads write, and wait for whoever does not read.
WAITS_FOR_READERS = ("gorilla",)


@dataclass(frozen=True)
class Case:
    name: str
    connections: int
    messages: int
    size: int  # bytes of a payload
    threads: int = 1  # that publish
    interval_us: int = 0  # between two messages of all threads together; 0: a burst
    stalled: int = 0  # of the connections never read
    send_buffer: int = 0  # of the server's sockets, in bytes; 0: as the kernel likes
    is_direct: bool = False  # each message is sent to each connection by itself, not published

    @property
    def title(self):
        return f"{self.name}, K = {self.threads}"

    @property
    def shape(self):
        pace = f" at one per {self.interval_us / 1000:g} ms" if self.interval_us else " in a burst"
        receivers = "connections, one by one," if self.is_direct else "subscribers"
        return f"{self.connections:,} {receivers} x {self.messages:,} x {self.size} B{pace}"

    @property
    def usual_threads(self):
        """Foreign threads compete for the reactor only where each of them sends by itself."""
        return (1, 2, 4, 8) if self.is_direct else (1, 4)

    @property
    def has_one_order(self):
        """Whether all receivers must see the same order. Between several senders to each there is
        none."""
        return not self.is_direct or self.threads == 1

    @property
    def publishing_seconds(self):
        """From the first message to the last, if the servers keep the pace."""
        return (self.messages - 1) * self.interval_us / 1e6

    def lasting(self, seconds):
        """A paced case for so long; a burst is as long as it is."""
        if not self.interval_us:
            return self
        return replace(self, messages=max(2, int(seconds * 1e6 / self.interval_us)))

    def server(self, program):
        arguments = ["--messages", self.messages, "--size", self.size, "--threads", self.threads]
        if self.interval_us:
            arguments += ["--interval-us", self.interval_us]
        if self.send_buffer:
            arguments += ["--send-buffer", self.send_buffer]
        if self.is_direct:
            arguments += ["--direct", "--topics", 0]  # so that nothing can be published instead
        return program.with_arguments(*map(str, arguments))

    def load(self):
        arguments = ["--connections", self.connections, "--messages", self.messages,
                     "--size", self.size, "--stalled", self.stalled]
        return [str(argument) for argument in arguments]


CASES = [
    Case("burst-1000", 1_000, 500, 64),
    Case("burst-5000", 5_000, 20, 64),
    Case("paced-10000", 10_000, 100, 256, interval_us=100_000),
    Case("overload-10000", 10_000, 1_000, 256, interval_us=10_000),
    Case("direct-100", 100, 2_000, 64, is_direct=True),
]
COUNTED, PACED = CASES[0], CASES[2]

# Small kernel buffers, so that what is not read waits in the server and not in the kernel.
UNSTALLED = Case("unstalled-10000", 10_000, 100, 1_024, interval_us=100_000, send_buffer=4_608)
STALLED = replace(UNSTALLED, name="stalled-10000", stalled=UNSTALLED.connections // 100)
