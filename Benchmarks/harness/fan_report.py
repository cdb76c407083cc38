"""Tables and the verdict of the comparison of broadcasts."""

from statistics import median

from .fan_programs import PEER, PROGRAMS, STALLED, UNSTALLED
from .report import table
from .series import ratio

COUNTS = {
    "system_calls_per_delivery": "system calls/delivery",
    "bytes_per_subscribed_connection": "bytes/connection with 4 topics",
    "bytes_per_subscription": "bytes/subscription",
}


def _median(runs, key):
    return median(run[key] for run in runs)


def _ratio(measured, name, reference, key):
    return ratio(measured.get(name), measured.get(reference), key)


def print_case(case, measured):
    """`measured`: for each program the results of its runs."""
    print(f"{case.title}: {case.shape}")
    rows = []
    for program in PROGRAMS:
        if not (runs := measured.get(program.name)):
            continue
        to_peer = _ratio(measured, program.name, PEER, "cpu_ns")
        cpu = [run["cpu_ns"] for run in runs]
        rows.append([
            program.name,
            f"{_median(runs, 'deliveries_per_second'):,.0f}",
            f"{median(cpu):,.0f}",
            f"{min(cpu):,.0f}-{max(cpu):,.0f}",
            f"{to_peer:.2f}" if to_peer else "-",
            *(f"{_median(runs, key):,.1f}" for key in ("p50_ms", "p99_ms", "max_ms")),
            f"{_median(runs, 'pace'):.0%}" if case.interval_us else "-",
            f"{_median(runs, 'deliveries_per_read'):.1f}",
            f"{_median(runs, 'peak_user_bytes') / 1e6:.1f}",
            f"{_median(runs, 'growth_bytes') / 1e6:.1f}",
            f"{_median(runs, 'server_share'):.0%}",
            f"{_median(runs, 'load_share'):.0%}",
            f"{sum(run['is_load_bound'] for run in runs)}/{len(runs)}",
        ])
    table(["", "deliveries/s", "CPU ns", "min-max", "x uWS", "p50 ms", "p99 ms", "max ms",
           "pace", "per read", "peak MB", "grown MB", "server CPU", "load CPU", "load-bound"], rows)


def print_counts(counts):
    print("counts")
    table(["", *COUNTS.values()], [
        [name, *(f"{values[key]:.4g}" if key in values else "-" for key in COUNTS)]
        for name, values in counts.items()
    ])


def violations(thresholds, results, counts, gates_times):
    """One line for each threshold that a gated program exceeds. `results`: of each case, the runs
    of each program."""
    found = []

    def check(program, what, value, limit):
        if value is not None and value > limit:
            found.append(f"{program.name}: {what} is {value:.4g}, more than {limit}")

    for program in (p for p in PROGRAMS if p.is_gated):
        for key, label in COUNTS.items():
            limit = thresholds[key]
            if isinstance(limit, dict):
                limit = limit[program.backend]
            check(program, label, counts.get(program.name, {}).get(key), limit)
        stalled, unstalled = (
            next((runs[program.name] for case, runs in results.items()
                  if case.name == name and program.name in runs), None)
            for name in (STALLED.name, UNSTALLED.name)
        )
        if stalled and unstalled:
            check(program, f"{STALLED.name}: memory beyond the run without, in bytes",
                  _median(stalled, "growth_bytes") - _median(unstalled, "growth_bytes"),
                  thresholds["stalled_growth_bytes"])
            check(program, f"{STALLED.name}: p99 over the run without",
                  ratio(stalled, unstalled, "p99_ms") if gates_times else None, thresholds["stalled_p99_ratio"])
        for case, measured in results.items() if gates_times else ():
            if case.name in thresholds["ratio_to_uwebsockets"]:
                check(program, f"{case.title}: CPU over {PEER}",
                      _ratio(measured, program.name, PEER, "cpu_ns"),
                      thresholds["ratio_to_uwebsockets"][case.name][program.backend])
    return found
