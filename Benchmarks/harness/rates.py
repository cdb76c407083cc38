"""What is measured at a rate that does not wait for the server: latency besides CPU time; and the rate
of opening handshakes. Every function starts a server of its own and ends it."""

from dataclasses import dataclass, replace

from .processes import Load, Server

STRESS_PAYLOAD = "hello world!!13212312!"


@dataclass(frozen=True)
class Rate:
    name: str
    connections: int
    per_connection: float  # messages a second
    load: tuple = ("--size", "20")
    seconds: float = 2
    warmup: str = "500ms"
    stalled: int = 0  # connections that never read, besides the others

    @property
    def per_second(self):
        return self.connections * self.per_connection

    def arguments(self):
        return [
            *("--connections", str(self.connections + self.stalled)),
            *("--rate", str(self.per_connection), "--duration", str(self.seconds)),
            *("--warmup", self.warmup, "--timeout", "60"),
            *(("--stalled", str(self.stalled)) if self.stalled else ()),
            *self.load,
        ]


# The stress test of dgrr/websocket: tcpkali writes what is due in a millisecond at once, and so does this.
STRESS = Rate("stress", 100, 10_000, ("--payload", STRESS_PAYLOAD, "--tick", "1ms"), seconds=1)
# More than anybody can echo: what is due waits in the load, and the slowest need half a minute for the rest.
STRESSES = (STRESS, replace(STRESS, name="stress-100000", per_connection=100_000, seconds=0.2,
                            warmup="50ms"))

# For the coalescing window: little to gather, some, and much.
PACES = [
    Rate("10,000/s", 500, 20),
    Rate("40,000/s", 500, 80),
    Rate("100,000/s", 500, 200),
]
WINDOWS_MICROSECONDS = (0, 250, 1000, 3000)

READING = Rate("all read", 1_000, 20, ("--size", "1024"))
STALLED = replace(READING, name="1 % never read", stalled=10)


def at_rate(program, rate):
    """Server CPU time per echo, and how long echoes took, counted from when the message was due."""
    with Server(program) as server, Load(server, rate.arguments(), "rate") as load:
        load.ready()
        before = server.cpu_nanoseconds()
        result = load.go()
        spent = server.cpu_nanoseconds() - before
    latency = result["latency_us"]
    return {
        "cpu_ns": spent / result["messages"],
        "messages_per_second": result["messages_per_second"],
        "kept_share": min(1, result["in_time"] / max(1, rate.per_second * rate.seconds)),
        "is_schedule_kept": result["is_schedule_kept"],
        "server_share": spent / 1e9 / result["seconds"],
        "load_share": result["cpu_share"],
        "is_load_bound": result["is_load_bound"],
        "p50_us": latency["p50"],
        "p99_us": latency["p99"],
        "max_us": latency["max"],
    }


def handshakes(program, seconds=2, parallel=64):
    """Opening handshakes a second, each connection ended by FIN, and the server's CPU time for one."""
    # The later of two options counts, and Load's own is for connections made one by one.
    arguments = ["--parallel", str(parallel), "--duration", str(seconds)]
    with Server(program) as server, Load(server, arguments, "connect") as load:
        load.ready()
        before = server.cpu_nanoseconds()
        result = load.go()
        spent = server.cpu_nanoseconds() - before
    return {
        "cpu_ns": spent / result["messages"],
        "messages_per_second": result["messages_per_second"],
        "server_share": spent / 1e9 / result["seconds"],
        "load_share": result["cpu_share"],
        "is_load_bound": result["is_load_bound"],
    }
