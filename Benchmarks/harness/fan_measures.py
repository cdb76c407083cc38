"""What is measured of a server that broadcasts. Every function starts one of its own and ends it."""

import re
import resource
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from statistics import median

from .idle import resident_slope
from .processes import Failure, Load, Server

IDLE_TOPICS = 4
SETTLING_SECONDS = 0.3  # some servers subscribe after they have answered
COUNTER_PATIENCE_SECONDS = 3
PATIENCE_SECONDS = 300
# Of a burst. One may take 9 ms, and the clock of a process goes by ticks of up to 4; one of who writes
# to each connection by itself takes seconds.
LEAST_ROUNDS, MOST_ROUNDS, ROUNDS_SECONDS = 5, 25, 2


@contextmanager
def _subscribed(program, case, has_counters=False):
    """A server, and a load whose connections are all subscribed."""
    with _server(case.server(program), has_counters) as server:
        with Load(server, case.load(), "fanout", PATIENCE_SECONDS) as load:
            load.ready()
            time.sleep(SETTLING_SECONDS)
            yield server, load


def _server(program, has_counters=False):
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Server(program, has_counters=has_counters, open_files=most_files)


def _rounds(load, case):
    if case.interval_us:
        return [load.go()]
    end = time.monotonic() + ROUNDS_SECONDS
    rounds = []
    while len(rounds) < LEAST_ROUNDS or len(rounds) < MOST_ROUNDS and time.monotonic() < end:
        rounds.append(load.go())
    return rounds


def fan_out(program, case):
    """A round of messages; of a burst those after the first one, so that they meet what a running
    server has."""
    with _subscribed(program, case) as (server, load):
        if not case.interval_us:
            load.go()
        before_bytes = server.forget_peak()
        before = server.all_cpu_nanoseconds()
        rounds = _rounds(load, case)
        spent = server.all_cpu_nanoseconds() - before
        peak_bytes = server.peak_user_bytes()
    if program.is_gated and case.has_one_order and not all(r["has_same_order"] for r in rounds):
        raise Failure("two subscribers saw different orders")

    def total(key):
        return sum(result[key] for result in rounds)

    latency = {f"{key}_ms": median(result["latency_us"][key] for result in rounds) / 1e3
               for key in ("p50", "p99", "max")}
    return latency | {
        "cpu_ns": spent / total("messages"),
        "deliveries_per_second": total("messages") / total("seconds"),
        "deliveries_per_read": total("messages") / total("reads"),
        "pace": (case.publishing_seconds / total("publishing_seconds")
                 if case.interval_us else None),
        "server_share": spent / 1e9 / total("seconds"),
        "load_share": total("cpu_share") / len(rounds),
        "is_load_bound": any(result["is_load_bound"] for result in rounds),
        "peak_user_bytes": peak_bytes,
        "growth_bytes": max(0, peak_bytes - before_bytes),
    }


def system_calls_per_delivery(program, case, by_strace=False):
    """All that the reactors make from before `go` until after the last delivery, in the second
    round; by strace, those of the publishing threads too."""
    if by_strace or not program.counters:
        return _system_calls_by_strace(program, case)
    with _subscribed(program, case, has_counters=True) as (server, load):
        load.go()
        before = _next_count(server)
        deliveries = load.go()["messages"]
        return (_next_count(server) - before) / deliveries


def _next_count(server):
    """Of the second line of counters from now on: the first may be older than what it follows."""
    seen = len(server.samples)
    deadline = time.monotonic() + COUNTER_PATIENCE_SECONDS
    while len(server.samples) < seen + 2:
        if time.monotonic() > deadline:
            raise Failure(f"no counters: {server.log}")
        time.sleep(0.02)
    return server.samples[-1][2]


def _system_calls_by_strace(program, case):
    with _subscribed(program, case) as (server, load), tempfile.NamedTemporaryFile("r") as table:
        tracer = subprocess.Popen(
            ["strace", "-c", "-f", "-p", str(server.pid), "-o", table.name],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            tracer.stderr.readline()  # "Process N attached"
            deliveries = load.go()["messages"]
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(10)
            tracer.stderr.close()
        total = re.search(r"^100\.00\s+\S+\s+\S+\s+(\d+)\s.*total$", table.read(), re.M)
    if not total:
        raise Failure("strace counted nothing: may it attach here?")
    return int(total[1]) / deliveries


def idle_bytes(program):
    """The slope of the resident set between 5,000 and 15,000 connections with 4 topics each, and
    what of it is a subscription's: the slope without topics taken off, in four parts."""
    subscribed = _slope(program, IDLE_TOPICS)
    return {
        "bytes_per_subscribed_connection": subscribed,
        "bytes_per_subscription": (subscribed - _slope(program, 0)) / IDLE_TOPICS,
    }


def _slope(program, topics):
    contract = ("--messages", "1", "--size", "64", "--threads", "1", "--topics", str(topics))
    with _server(program.with_arguments(*contract)) as server:
        return resident_slope(server, settling_seconds=SETTLING_SECONDS)
