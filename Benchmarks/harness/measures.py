"""What is measured of one program. Every function starts a server of its own and ends it."""

import os
import re
import signal
import struct
import subprocess
import tempfile
import time

from .idle import resident_slope
from .processes import LOAD_CPU, Failure, Load, Server
from .programs import BUILT

COUNTED_SECONDS = 4


def cpu_per_message(program, workload, scale=1.0):
    """Server CPU time per message, server and load on CPUs of their own."""
    messages = int(workload.messages * scale)
    arguments = ["--warmup", str(messages // 5), "--messages", str(messages)]
    with Server(program) as server, Load(server, arguments + workload.arguments()) as load:
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


def system_calls_per_message(program, workload, by_strace=False, shares_cpu=True):
    """At full batches: server and load share one CPU and the load is preferred, so that the server
    always finds everything ready that can be. On CPUs of their own the batch, and with it the
    count, depends on which of the two happens to be faster; it explains the times."""
    arguments = ["--warmup", str(workload.connections * 5), *workload.arguments()]
    if by_strace or not program.counters:
        return _system_calls_by_strace(program, arguments + ["--messages", "20000"])
    arguments += ["--duration", str(COUNTED_SECONDS)]
    place = {"cpu": LOAD_CPU, "niceness": 5} if shares_cpu else {}
    with Server(program, has_counters=True, **place) as server:
        with Load(server, arguments) as load:
            load.ready()
            began = time.monotonic()
            load.go()
            ended = time.monotonic()
            window = [sample for sample in server.samples if began <= sample[0] <= ended]
    if len(window) < 2:
        raise Failure(f"{program.name} printed its counters {len(window)} times: {server.log}")
    (_, messages, calls), (_, more_messages, more_calls) = window[0], window[-1]
    if more_messages == messages:
        raise Failure(f"{program.name} counted no messages")
    return (more_calls - calls) / (more_messages - messages)


def _system_calls_by_strace(program, arguments):
    with Server(program, LOAD_CPU, niceness=5) as server, Load(server, arguments) as load:
        load.ready()
        with tempfile.NamedTemporaryFile("r") as table:
            tracer = subprocess.Popen(
                ["strace", "-c", "-f", "-p", str(server.pid), "-o", table.name],
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                tracer.stderr.readline()  # "Process N attached"
                messages = load.go()["messages"]
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.wait(10)
                tracer.stderr.close()
            total = re.search(r"^100\.00\s+\S+\s+\S+\s+(\d+)\s.*total$", table.read(), re.M)
    if not total:
        raise Failure("strace counted nothing: may it attach here?")
    return int(total[1]) / messages


def allocations_per_message(program, workload, messages):
    """Calls of malloc, calloc, realloc and the aligned ones while messages flow, once warm."""
    arguments = ["--warmup", str(messages), "--messages", str(messages)]
    with tempfile.NamedTemporaryFile() as counter:
        counter.write(bytes(8))
        counter.flush()
        environment = {
            "LD_PRELOAD": str(BUILT / "malloc_count.so"),
            "MALLOC_COUNT_FILE": counter.name,
        }

        def count():
            return struct.unpack("<Q", os.pread(counter.fileno(), 8, 0))[0]

        with Server(program, environment=environment) as server:
            with Load(server, arguments + workload.arguments()) as load:
                load.ready()
                if count() == 0:
                    raise Failure(f"{program.name} is not linked to the C library's malloc")

                def window():
                    before = count()
                    load.go()
                    return count() - before

                return steady_count(window) / messages


def steady_count(window):
    """What one window counts in the steady state. A pool may grow once more after the warm-up, so
    what is not 0 is counted again, and the lower of the two holds: nothing is rounded away."""
    first = window()
    return min(first, window()) if first else 0


def bytes_per_idle_connection(program):
    """The slope of the resident set between 5,000 and 15,000 upgraded connections, each of which
    has echoed one message."""
    with Server(program) as server:
        return resident_slope(server, "--echo")
