"""The parts of a comparison, each of which can be measured by itself. All take turns between the
programs, and return, for each thing measured, the runs of each program."""

import json
import shutil
import subprocess
import tempfile

from . import measures, rates
from .programs import BENCHMARKS, BUSY, USUAL_WORKLOADS, echo
from .series import interleaved


def _runs(attempts, programs, runs, what, measure):
    measured = {}
    for run, program in interleaved(programs, runs):
        result = attempts.attempt(program, f"{what} {run + 1}/{runs}", lambda: measure(program))
        if result:
            measured.setdefault(program.name, []).append(result)
    return measured


def times(attempts, programs, runs, workloads, scale):
    return {
        workload.name: _runs(attempts, programs, runs, workload.name,
                             lambda program: measures.cpu_per_message(program, workload, scale))
        for workload in workloads
    }


def counts(attempts, programs, by_strace):
    measured = {}
    for program in programs:
        values = {}
        if program.accepts_many:
            values["bytes_per_idle_connection"] = attempts.attempt(
                program, "idle memory", lambda: measures.bytes_per_idle_connection(program))
        if program.counters or shutil.which("strace"):
            values["system_calls_per_message"] = attempts.attempt(
                program, "system calls",
                lambda: measures.system_calls_per_message(program, BUSY, by_strace))
        if program.uses_malloc:
            values["allocations_per_message"] = attempts.attempt(
                program, "allocations", lambda: _most_allocations(program))
        measured[program.name] = {key: value for key, value in values.items() if value is not None}
    return measured


def calls(attempts, workloads):
    """System calls per message of our own servers, as the times are measured: on CPUs of their own."""
    programs = [echo(backend) for backend in ("io_uring", "epoll")]
    return {
        workload.name: {
            program.name: attempts.attempt(
                program, f"{workload.name}, system calls",
                lambda: measures.system_calls_per_message(program, workload, shares_cpu=False))
            for program in programs
        }
        for workload in workloads
    }


def _most_allocations(program):
    return max(measures.allocations_per_message(program, workload, 50_000)
               for workload in USUAL_WORKLOADS if workload is not BUSY)


def stress(attempts, programs, runs, wanted=rates.STRESSES):
    return {rate.name: _runs(attempts, programs, runs, rate.name,
                             lambda program: rates.at_rate(program, rate))
            for rate in wanted}


def stalled(attempts, programs, runs):
    return {
        rate.name: _runs(attempts, programs, runs, rate.name,
                         lambda program: rates.at_rate(program, rate))
        for rate in (rates.READING, rates.STALLED)
    }


def handshakes(attempts, programs, runs):
    return {"connect": _runs(attempts, programs, runs, "handshakes", rates.handshakes)}


def windows(attempts, runs):
    """Of our own servers: CPU time and latency with each coalescing window, at each pace."""
    programs = [
        echo(backend, "--coalesce-us", str(window)).named(f"{backend}, {window} µs")
        for backend in ("io_uring", "epoll") for window in rates.WINDOWS_MICROSECONDS
    ]
    return {
        rate.name: _runs(attempts, programs, runs, rate.name,
                         lambda program: rates.at_rate(program, rate))
        for rate in rates.PACES
    }


def fanout(attempts, runs, arguments=()):
    """What `Benchmarks/fanout` measures."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        command = [BENCHMARKS / "fanout", "--runs", str(runs), "--json", file.name, *arguments]
        subprocess.run(command, check=False)
        text = file.read()
    result = json.loads(text) if text else {"cases": [], "counts": {}, "failures": ["fanout: no result"]}
    attempts.failures += [f"fanout: {failure}" for failure in result["failures"]]
    return {key: result[key] for key in ("cases", "counts")}
