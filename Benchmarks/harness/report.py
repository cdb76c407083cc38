"""Turns results into tables and into a verdict."""

import datetime
import os
import platform
from statistics import median

from .programs import FLOORS, PROGRAMS
from .series import ratio

COUNTS = {
    "system_calls_per_message": "system calls/message",
    "allocations_per_message": "allocations/message",
    "bytes_per_idle_connection": "bytes/idle connection",
}


def machine():
    with open("/proc/cpuinfo") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return {
        "kernel": platform.release(),
        "cpu": models[0] if models else platform.machine(),
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "date": datetime.date.today().isoformat(),
    }


def ratio_to_floor(times, program, workload):
    """To the floor on the same backend; None if either has not been measured."""
    measured = times.get(workload, {})
    return ratio(measured.get(program.name), measured.get(FLOORS[program.backend].name))


def table(header, rows):
    cells = [header, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        first, *rest = (cell.ljust(w) if i == 0 else cell.rjust(w)
                        for i, (cell, w) in enumerate(zip(row, widths)))
        print("  " + "  ".join([first, *rest]).rstrip())
    print()


def print_versions(programs):
    """Of the peers."""
    if rows := [[program.name, program.version] for program in programs if program.version]:
        print("peers")
        for name, version in rows:
            print(f"  {name.ljust(max(len(row[0]) for row in rows))}  {version}")
        print()


def print_times(times):
    for workload, measured in times.items():
        rows = []
        for program in PROGRAMS:
            if not (runs := measured.get(program.name)):
                continue
            cpu = [run["cpu_ns"] / 1000 for run in runs]
            bound = sum(run["is_load_bound"] for run in runs)
            rows.append([
                program.name,
                f"{median(cpu):.3f}",
                f"{min(cpu):.3f}-{max(cpu):.3f}",
                f"{ratio_to_floor(times, program, workload):.2f}"
                if ratio_to_floor(times, program, workload) else "-",
                f"{median(run['messages_per_second'] for run in runs):,.0f}",
                f"{median(run['server_share'] for run in runs):.0%}",
                f"{median(run['load_share'] for run in runs):.0%}",
                f"{bound}/{len(runs)}",
            ])
        print(f"{workload}: server CPU per message")
        table(["", "µs", "min-max", "x floor", "messages/s", "server CPU", "load CPU",
                "load-bound"], rows)


def print_rates(title, measured):
    """What was measured at a rate: `measured` has, for each rate, the runs of each program."""
    for rate, programs in measured.items():
        print(f"{title}: {rate}")
        rows = []
        for name, runs in programs.items():
            cpu = [run["cpu_ns"] / 1000 for run in runs]
            row = [name, f"{median(cpu):.3f}", f"{min(cpu):.3f}-{max(cpu):.3f}",
                   f"{median(run['messages_per_second'] for run in runs):,.0f}"]
            for key in ("p50_us", "p99_us", "max_us"):
                row.append(f"{median(run[key] for run in runs):,.0f}" if key in runs[0] else "-")
            row.append(f"{median(run['kept_share'] for run in runs):.0%}"
                       if "kept_share" in runs[0] else "-")
            row += [f"{median(run['server_share'] for run in runs):.0%}",
                    f"{median(run['load_share'] for run in runs):.0%}"]
            rows.append(row)
        table(["", "CPU µs", "min-max", "per second", "p50 µs", "p99 µs", "max µs", "in time",
               "server CPU", "load CPU"], rows)


def print_all(results, programs):
    shown = results["machine"]
    print(f"{shown['cpu']}, {shown['cpus']} CPUs, Linux {shown['kernel']}, "
          f"load average {shown['load_average']:.2f}, {results['runs']} interleaved runs\n")
    print_versions(programs)
    print_times(results.get("times", {}))
    for key, title in (("stress", "stress test"), ("window", "coalescing window"),
                       ("connect", "opening handshakes"), ("stalled", "tail latency")):
        print_rates(title, results.get(key, {}))
    if results.get("counts"):
        print_counts(results["counts"])


def print_counts(counts):
    rows = [
        [name, *(f"{values[key]:.4g}" if key in values else "-" for key in COUNTS)]
        for name, values in counts.items()
    ]
    print("counts")
    table(["", *COUNTS.values()], rows)


def violations(thresholds, times, counts, gates_ratios):
    """One line for each threshold that a gated program exceeds."""
    found = []

    def check(program, what, value, limit):
        if value is not None and value > limit:
            found.append(f"{program.name}: {what} is {value:.4g}, more than {limit}")

    for program in (p for p in PROGRAMS if p.is_gated):
        values = counts.get(program.name, {})
        for key, label in COUNTS.items():
            limit = thresholds[key]
            if isinstance(limit, dict):
                limit = limit[program.backend]
            check(program, label, values.get(key), limit)
        for workload, limit in thresholds["ratio_to_floor"].items() if gates_ratios else ():
            check(program, f"{workload} over the floor", ratio_to_floor(times, program, workload),
                  limit)
    return found
