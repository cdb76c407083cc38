"""Churn at all examples for minutes or hours; see scripts/soak."""
import argparse
import contextlib
import os
import pathlib
import resource
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "Peers"))

import judging  # noqa: E402
from load import Load  # noqa: E402
from picture import draw  # noqa: E402
from rude import Rude  # noqa: E402
from server_process import ServerProcess, executable  # noqa: E402

# What part of the connections each example has. Those that send by themselves have few.
SHARES = {"echo": 0.45, "chat": 0.25, "broadcast": 0.13, "auth": 0.10, "rtt": 0.05, "live": 0.02}
SAMPLE_SECONDS = 5
MARK_SECONDS = 300
WARM_UP = 2
# How often, and how long, the servers stand still in that time.
STILL_COUNT = 5
STILL_SECONDS = 1
# What an allocator gives back, and what pools keep, is settled by then.
REST_SECONDS = 8


def memory(process_id):
    """Bytes of the process's own: anonymous, resident."""
    for line in open(f"/proc/{process_id}/status"):
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def descriptor_count(process_id):
    return len(list(pathlib.Path(f"/proc/{process_id}/fd").iterdir()))


class Soak:
    def __init__(self, options, servers, counts, load, rude, table):
        self.servers = servers
        self.counts = counts
        self.load = load
        self.rude = rude
        self.table = table
        self.minutes = options.minutes
        self.rate = options.rate
        self.bounds_memory = not options.no_memory_bound
        self.failures = []
        self.samples = []
        self.start = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.start

    def sample(self, phase):
        row = {"seconds": round(self.seconds(), 1), "phase": phase}
        for server in self.servers:
            name = f"{server.name}/{server.backend}"
            row[f"{name} bytes"] = memory(server.process_id)
            row[f"{name} descriptors"] = descriptor_count(server.process_id)
        row["load bytes"] = memory(self.load.process_id)
        row.update(self.load.status)
        if not self.samples:
            print(",".join(row), file=self.table)
        print(",".join(str(row.get(name, "")) for name in (self.samples[0] if self.samples else row)),
              file=self.table, flush=True)
        self.samples.append(row)
        return row

    def run_for(self, seconds, phase):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(min(SAMPLE_SECONDS, max(0.1, deadline - time.monotonic())))
            self.sample(phase)
            dead = [server.name for server in self.servers if not server.is_running]
            if dead or not self.load.is_running:
                raise SystemExit(f"soak: FAILED: {dead or ['the load']} ended by itself: "
                                 + "".join(server.log() for server in self.servers if not server.is_running))

    def stand_still(self):
        """As on a machine that has no time for them: what has come in the meantime is to be done at once."""
        try:
            for server in self.servers:
                os.kill(server.process_id, signal.SIGSTOP)
            time.sleep(STILL_SECONDS)
        finally:
            for server in self.servers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(server.process_id, signal.SIGCONT)

    def rest(self, phase):
        """Everybody is connected, and sends nothing but pings: memory by server, and of the load, the least of a few
        looks; and the descriptors that are not connections."""
        self.rude.pause()
        if not self.load.ask("hold", "held", 180):
            self.failures.append(f"{phase}: not all connections came to rest: {self.load.status}")
        time.sleep(REST_SECONDS)
        looks = []
        for _ in range(5):
            looks.append(self.sample(phase))
            time.sleep(0.5)
        own = {server: descriptor_count(server.process_id) - self.counts[server] for server in self.servers}
        self.load.tell("go")
        self.rude.go()
        names = [f"{server.name}/{server.backend}" for server in self.servers] + ["load"]
        return {name: min(look[f"{name} bytes"] for look in looks) for name in names}, own

    def run(self):
        whole = self.minutes * 60
        mark = min(MARK_SECONDS, whole / 5)
        # Busier than afterwards, and worse interrupted, so that pools and heaps have had their fill before anything is
        # measured: what grows later is kept for good.
        self.load.tell(f"rate {self.rate * WARM_UP}")
        for _ in range(STILL_COUNT):
            self.run_for(mark / STILL_COUNT, "before")
            self.stand_still()
        self.run_for(SAMPLE_SECONDS, "before")
        self.load.tell(f"rate {self.rate}")
        before, own = self.rest("mark")
        self.run_for(max(0, whole - self.seconds()), "after")
        after, own_after = self.rest("end")
        self.rude.stop()
        if not self.load.ask("end", "ended", 120):
            self.failures.append(f"not all connections ended: {self.load.status}")
        with contextlib.suppress(Exception):
            self.load.wait(30)
        self.check_memory(before, after)
        self.check_descriptors(own, own_after)
        self.check_round_trips()
        self.check_messages()

    def check_memory(self, before, after):
        """Of each interface's servers together, and of the clients, who are made of the same parts."""
        print(f"\n{'':<22}{'marked':>12}{'at the end':>12}   MB, all connected, nothing but pings")
        for backend in sorted({server.backend for server in self.servers}):
            names = [f"{server.name}/{backend}" for server in self.servers if server.backend == backend]
            for name in names:
                self.tell_memory(name, before[name], after[name])
            self.judge_memory(backend, *(sum(figures[name] for name in names) for figures in (before, after)))
        self.judge_memory("load", before["load"], after["load"])

    def judge_memory(self, name, old, new):
        self.tell_memory(name, old, new)
        if self.bounds_memory and judging.grown(old, new):
            self.failures.append(f"memory of {name} grew by {100 * (new / old - 1):.1f} %")

    @staticmethod
    def tell_memory(name, old, new):
        print(f"{name:<22}{old / 1e6:>12.2f}{new / 1e6:>12.2f}   {100 * (new / old - 1):+.2f} %")

    def check_descriptors(self, before, after):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            left = {server: descriptor_count(server.process_id) for server in self.servers}
            if left == before:
                break
            time.sleep(0.5)
        for server in self.servers:
            counts = [figures[server] for figures in (before, after, left)]
            if len(set(counts)) > 1:
                self.failures.append(f"{server.name}/{server.backend} has {counts} descriptors that are no connections: "
                                     "at the mark, at the end, and when all had gone")
        print(f"descriptors of all servers that are no connections: {sum(before.values())} at the mark, "
              f"{sum(after.values())} at the end, {sum(left.values())} when all had gone")

    def check_round_trips(self):
        """Those at the usual rate, between the mark and the end."""
        lines, failures = judging.round_trips([row for row in self.samples if row["phase"] == "after"])
        print("\n".join(lines) + f"; the longest of all took {self.load.longest} µs")
        self.failures += failures

    def check_messages(self):
        status = self.load.status
        print("connections: {opened} opened, {ended} ended, {refused} refused as they should be; "
              "messages: {sent} sent, {received} received".format(**status))
        print("rude peers:", ", ".join(f"{name} {count}" for name, count in sorted(self.rude.counts.items())))
        if self.load.stalls:
            self.failures.append(f"the machine stood still ({', '.join(self.load.stalls)}): this run says nothing")
        if status.get("findings", 1):
            self.failures.append(f"{status.get('findings')} findings of the clients")
        if status.get("opened") != status.get("ended"):
            self.failures.append("not every connection that was opened was told its end")
        if self.rude.findings:
            self.failures.append(f"{len(self.rude.findings)} findings of the rude peers")
        for finding in self.load.findings[:20] + self.rude.findings[:20]:
            print(f"  {finding}")


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=0.5)
    parser.add_argument("--backends", default="io_uring,epoll")
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--no-memory-bound", action="store_true",
                        help="memory is told and not judged: a run of a minute ends before heaps have settled")
    return parser.parse_args()


def main():
    options = parse()
    # Before the children inherit it.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.connections > hard - 1000:
        raise SystemExit(f"soak: {options.connections} connections need more open files than {hard}")
    output = options.output or pathlib.Path(tempfile.mkdtemp(prefix="martlet-soak-"))
    output.mkdir(parents=True, exist_ok=True)
    backends = options.backends.split(",")
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(ServerProcess(name, backend, "--reactors", "2"))
                   for backend in backends for name in SHARES]
        counts = {server: max(1, round(options.connections * SHARES[server.name] / len(backends)))
                  for server in servers}
        token = {server: server.await_output(r"ada's token: (\w+)")[1] for server in servers if server.name == "auth"}
        targets = [(server.name, server.port, counts[server], *([token[server]] if server in token else []))
                   for server in servers]
        load = Load(executable("soak-load"), options.rate, targets)
        stack.callback(load.kill)
        rude = Rude({name: [server.port for server in servers if server.name == name] for name in SHARES})
        table = stack.enter_context(open(output / "figures.csv", "w"))
        soak = Soak(options, servers, counts, load, rude, table)
        soak.run()
    draw(soak.samples, backends, output / "figures.svg")
    print(f"figures: {output}/figures.csv, {output}/figures.svg")
    for failure in soak.failures:
        print(f"FAILED: {failure}")
    sys.exit(1 if soak.failures else 0)


main()
