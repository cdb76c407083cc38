"""Writes what was measured into README.md, between two marks, with charts beside it."""

from statistics import median

from . import charts, rates
from .programs import BENCHMARKS, FLOORS, PROGRAMS, WORKLOADS
from .series import ratio

BEGIN, END = "<!-- report: written by Benchmarks/run --report -->", "<!-- end of the report -->"
LABELS = {
    "floor-uring": "floor, io_uring", "floor-epoll": "floor, epoll",
    "echo:io_uring": "Martlet, io_uring", "echo:epoll": "Martlet, epoll",
    "martlet:io_uring": "Martlet, io_uring", "martlet:epoll": "Martlet, epoll",
    "uwebsockets": "uWebSockets", "beast": "Boost.Beast", "niowebsocket": "NIOWebSocket",
}
PEER = "uwebsockets"


def write(results):
    text = (BENCHMARKS / "README.md").read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    (BENCHMARKS / "charts").mkdir(exist_ok=True)
    parts = [part for section in SECTIONS for part in section(results)]
    (BENCHMARKS / "README.md").write_text(
        before + BEGIN + "\n\n" + "\n\n".join(parts) + "\n\n" + END + after)


def _label(name):
    return LABELS.get(name, name)


def _median(runs, key="cpu_ns"):
    return median(run[key] for run in runs)


def _table(header, rows):
    """The first column to the left, numbers to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "--:|" * (len(header) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _chart(name, title, text):
    (BENCHMARKS / "charts" / f"{name}.svg").write_text(text)
    return f"![{title}](charts/{name}.svg)"


def _bar(name, runs, unit=1000.0, key="cpu_ns"):
    values = [run[key] / unit for run in runs]
    return _label(name), median(values), min(values), max(values)


def _in_order(measured):
    known = [program.name for program in PROGRAMS]
    return sorted(measured, key=lambda name: known.index(name) if name in known else len(known))


def machine(results):
    shown = results["machine"]
    yield (f"{shown['cpu']}, {shown['cpus']} CPUs, Linux {shown['kernel']}, {shown['date']}; load average at the "
           f"beginning {shown['load_average']:.2f}; medians of {results['runs']} interleaved runs, in brackets the least "
           "and the most. Server and load on a CPU each, so each server has one event loop.")
    if results.get("versions"):
        yield _table(["Peer", "Version"], [[_label(n), v] for n, v in results["versions"].items()])


def echoes(results):
    times = results.get("times", {})
    if not times:
        return
    yield "### Echo: server CPU per message, µs"
    names = _in_order({name for measured in times.values() for name in measured})
    rows = []
    for workload in (w for w in WORKLOADS if times.get(w.name)):
        measured = times[workload.name]
        row = [f"{workload.name} ({workload.connections} connections)"]
        for name in names:
            if name not in measured:
                row.append("-")
                continue
            _, value, low, high = _bar(name, measured[name])
            row.append(f"{value:.3g} ({low:.3g}-{high:.3g})")
        rows.append(row)
    yield _table(["", *map(_label, names)], rows)
    yield from _echo_charts(times, names)
    yield from _echo_ratios(times)


def _echo_charts(times, names):
    for name, title, wanted in (
        ("echo", "Echo, server CPU per message", lambda workload: workload != "pipelined"),
        ("pipelined", "Pipelined, server CPU per message", lambda workload: workload == "pipelined"),
    ):
        groups = [(workload, [_bar(n, measured[n]) for n in names if n in measured])
                  for workload, measured in times.items() if wanted(workload) and measured]
        if groups:
            yield _chart(name, title, charts.bars(title, "µs", groups))


def _echo_ratios(times):
    rows = []
    for workload, measured in times.items():
        def shown(one, other):
            value = ratio(measured.get(one), measured.get(other))
            return f"{value:.2f}" if value else "-"
        rows.append([
            workload, shown("echo:io_uring", PEER), shown("echo:epoll", PEER),
            shown("echo:io_uring", "echo:epoll"),
            shown("echo:io_uring", FLOORS["io_uring"].name), shown("echo:epoll", FLOORS["epoll"].name),
        ])
    yield ("CPU per message, the median of the ratios of runs that followed each other (less than 1: the first one "
           "needs less):")
    yield _table(["", "io_uring / uWebSockets", "epoll / uWebSockets", "io_uring / epoll",
                  "io_uring / floor", "epoll / floor"], rows)


def calls(results):
    measured = results.get("calls", {})
    if not measured:
        return
    yield "### System calls per message, server and load on CPUs of their own"
    names = ("echo:io_uring", "echo:epoll")
    yield _table(["", *map(_label, names)], [
        [workload, *(f"{values[name]:.3f}" if values.get(name) is not None else "-" for name in names)]
        for workload, values in measured.items()])


def stress(results):
    measured = results.get("stress", {})
    if not measured:
        return
    yield "### dgrr/websocket's stress test"
    yield (f"{rates.STRESS.connections} connections, each offered so many texts of {len(rates.STRESS_PAYLOAD)} bytes a "
           "second, whatever comes back. In time: echoed by the end of the time in which all were offered. A server whose CPU "
           "is less than full while the load's is full could echo more than it is offered. Ratios as above.")
    for rate in (rate for rate in rates.STRESSES if measured.get(rate.name)):
        runs = measured[rate.name]
        rows = []
        for name in _in_order(runs):
            _, value, low, high = _bar(name, runs[name], 1)
            to_peer = ratio(runs[name], runs.get(PEER))
            least = [ratio(runs.get(ours), runs[name]) for ours in ("echo:io_uring", "echo:epoll")]
            rows.append([_label(name), f"{value:,.0f} ({low:,.0f}-{high:,.0f})",
                         f"{_median(runs[name], 'kept_share'):.0%}",
                         f"{_median(runs[name], 'p99_us') / 1000:,.1f}",
                         f"{_median(runs[name], 'server_share'):.0%}", f"{_median(runs[name], 'load_share'):.0%}",
                         *(f"{value:.2f}" if value else "-" for value in (to_peer, *least))])
        yield f"{rate.per_connection:,} a second each, for {rate.seconds:g} s:"
        yield _table(["", "CPU ns/echo", "in time", "p99, ms", "server CPU", "load CPU",
                      "/ uWebSockets", "io_uring / it", "epoll / it"], rows)
    bars = [(name, [_bar(program, runs[program], 1) for program in _in_order(runs)])
            for name, runs in measured.items()]
    yield _chart("stress", "Stress test", charts.bars("Stress test, server CPU per echo", "ns", bars))


def windows(results):
    measured = results.get("window", {})
    if not measured:
        return
    yield "### The coalescing window"
    yield ("CPU per message against latency, with a window of 0, 0.25, 1 and 3 ms, 500 connections, 20 B. Latency counts "
           "from when a message was due.")
    rows, lines = [], {}
    for pace, programs in measured.items():
        for name, runs in programs.items():
            backend, _, window = name.partition(", ")
            cpu, p50, p99 = (_median(runs, key) / 1000 for key in ("cpu_ns", "p50_us", "p99_us"))
            rows.append([f"{pace}, {backend}", window, f"{cpu:.2f}", f"{p50:.2f}", f"{p99:.2f}"])
            lines.setdefault(f"{pace}, {backend}", []).append((p50, cpu))
    yield _table(["", "window", "CPU µs/message", "p50, ms", "p99, ms"], rows)
    yield _chart("window", "CPU per message against latency", charts.lines(
        "CPU per message against latency", "p50 latency, ms", "µs",
        {name: sorted(points) for name, points in lines.items()}))


def handshakes(results):
    for measured in results.get("connect", {}).values():
        yield "### Opening handshakes"
        yield _table(["", "CPU µs/handshake", "handshakes/s"], [
            [_label(name), f"{_median(measured[name]) / 1000:.1f}",
             f"{_median(measured[name], 'messages_per_second'):,.0f}"]
            for name in _in_order(measured)])


def stalled(results):
    measured = results.get("stalled", {})
    if not measured:
        return
    yield "### Tail latency beside readers that never read"
    yield (f"{rates.READING.connections:,} connections, {rates.READING.per_connection:g} messages of 1 KiB a second each; "
           f"then besides them {rates.STALLED.stalled} that send as much and never read. p99 of the others, ms.")
    names = _in_order({name for programs in measured.values() for name in programs})
    yield _table(["", *measured], [
        [_label(name), *(f"{_median(programs[name], 'p99_us') / 1000:.2f}" if name in programs else "-"
                         for programs in measured.values())] for name in names])


def broadcasts(results):
    measured = results.get("fanout", {})
    if not measured.get("cases"):
        return
    yield "### Broadcasts: server CPU per delivery, ns"
    names = _in_order({name for case in measured["cases"] for name in case["results"]})
    rows = []
    for entry in measured["cases"]:
        case, runs = entry["case"], entry["results"]
        rows.append([f"{case['name']}, K = {case['threads']}",
                     *(f"{_median(runs[name]):,.0f}" if runs.get(name) else "-" for name in names)])
    yield _table(["", *map(_label, names)], rows)


def counts(results):
    measured = results.get("counts", {})
    if not measured:
        return
    yield "### Counts"
    keys = {"system_calls_per_message": "system calls/message, 1,000 busy",
            "allocations_per_message": "allocations/message",
            "bytes_per_idle_connection": "bytes/idle connection"}
    yield _table(["", *keys.values()], [
        [_label(name), *(f"{values[key]:,.4g}" if key in values else "-" for key in keys)]
        for name, values in measured.items()])


SECTIONS = (machine, echoes, calls, stress, windows, handshakes, stalled, broadcasts, counts)
