"""That the figures are what they are called: the time that a stall costs is in them, they are the same
that another client finds, and the histogram loses nothing."""

import asyncio
import math
import os
import random
import subprocess
import tempfile
import time
import unittest

from library_server import LibraryServer
from load_run import load
from raw_server import RawServer
from websockets.asyncio.client import connect

from harness.programs import BENCHMARKS

STALL_SECONDS = 0.5
MILLISECOND = 1000  # of microseconds


class CoordinatedOmission(unittest.TestCase):
    def test_a_stall_is_paid_by_all_messages_that_were_due_in_it(self):
        with LibraryServer(STALL_SECONDS, stall_at=1000) as server:
            run = load("rate", server.port, "--connections", 10, "--rate", 100, "--duration", 4)
        self.assertEqual(run.status, 0, run.error)
        latency = run.result["latency_us"]
        # 500 of 4,000 were due while the server slept: an eighth of all, later by 0 to 500 ms.
        self.assertGreater(latency["p90"], 50 * MILLISECOND)
        self.assertGreater(latency["p99"], 400 * MILLISECOND)
        self.assertGreater(latency["max"], 450 * MILLISECOND)
        self.assertLess(latency["p50"], 50 * MILLISECOND)

    def test_a_closed_loop_does_not_show_it_beyond_what_it_has_in_flight(self):
        with LibraryServer(STALL_SECONDS, stall_at=1000) as server:
            run = load("echo", server.port, "--connections", 10, "--messages", 4000)
        latency = run.result["latency_us"]
        self.assertLess(latency["p99"], 250 * MILLISECOND)
        self.assertGreater(latency["max"], 450 * MILLISECOND)

    def test_messages_that_the_server_does_not_take_are_timed_from_when_they_were_due(self):
        def serve(peer):
            peer.upgrade()
            peer.echo(count=50)
            time.sleep(STALL_SECONDS)
            peer.echo()
        # Small buffers, so that the sender cannot send: later than it should, yet no later counted.
        with RawServer(serve, receive_buffer=4096) as port:
            run = load("rate", port, "--rate", 200, "--size", 60_000, "--duration", 2, "--timeout", 30)
        self.assertEqual(run.status, 0, run.error)
        self.assertGreater(run.result["blocked"], 0)
        self.assertGreater(run.result["latency_us"]["p90"], 50 * MILLISECOND)
        self.assertGreater(run.result["latency_us"]["max"], 450 * MILLISECOND)

    def test_a_load_that_stops_does_not_forget_what_was_due(self):
        """The same, for a stall that is the load's own."""
        with LibraryServer() as server:
            process = subprocess.Popen(
                [str(BENCHMARKS / ".build/martlet-load"), "rate", f"ws://127.0.0.1:{server.port}/",
                 "--rate", "1000", "--duration", "2"], stdout=subprocess.PIPE, text=True)
            time.sleep(1)
            os.kill(process.pid, 19)  # SIGSTOP
            time.sleep(STALL_SECONDS)
            os.kill(process.pid, 18)
            output, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        self.assertIn("echoes     2000 in", output)
        self.assertIn("WARNING    the load did not keep its schedule", output)


class Agreement(unittest.TestCase):
    CONNECTIONS, RATE, SECONDS = 10, 100, 4

    async def _converse(self, port, start, number, times):
        gap = 1 / self.RATE
        async with connect(f"ws://127.0.0.1:{port}/", compression=None) as client:
            async def receive():
                for _ in range(self.RATE * self.SECONDS):
                    await client.recv()
                    times.append(time.monotonic())
            receiver = asyncio.create_task(receive())
            for message in range(self.RATE * self.SECONDS):
                due = start + message * gap + number * gap / self.CONNECTIONS
                await asyncio.sleep(max(0, due - time.monotonic()))
                await client.send("x" * 20)
            await receiver

    async def _rate_by_library(self, port):
        times, start = [], time.monotonic() + 1
        await asyncio.gather(*(self._converse(port, start, number, times)
                               for number in range(self.CONNECTIONS)))
        return len(times) / (max(times) - start)

    def test_another_client_counts_the_same_rate(self):
        with LibraryServer() as server:
            run = load("rate", server.port, "--connections", self.CONNECTIONS, "--rate", self.RATE,
                       "--duration", self.SECONDS)
            self.assertEqual(run.status, 0, run.error)
            counted = server.message_count
            theirs = asyncio.run(self._rate_by_library(server.port))
            self.assertEqual(server.message_count, 2 * counted)
        ours = run.result["messages_per_second"]
        self.assertEqual(run.result["messages"], counted)
        self.assertAlmostEqual(ours / theirs, 1, delta=0.05)
        self.assertAlmostEqual(ours, self.CONNECTIONS * self.RATE, delta=50)


class Histogram(unittest.TestCase):
    def test_percentiles_are_those_of_the_values_to_three_digits(self):
        with tempfile.TemporaryDirectory() as folder:
            program = f"{folder}/check"
            subprocess.run(["cc", "-O2", "-I", BENCHMARKS / "load", "-o", program,
                            BENCHMARKS / "tests/histogram_check.c",
                            BENCHMARKS / "load/report/histogram.c", "-lm"], check=True)
            choose = random.Random(1)
            values = [int(choose.lognormvariate(11, 2)) for _ in range(99_990)]
            values += [0, 1, 2047, 2048, 2049, 4095, 4096, 10**9, 10**10, 3 * 10**12]
            output = subprocess.run([program], input="\n".join(map(str, values)), text=True,
                                    capture_output=True, check=True).stdout
        count, most, fewest, *found = map(int, output.split())
        values.sort()
        self.assertEqual((count, most, fewest), (len(values), values[-1], 0))
        for percent, value in zip((50, 90, 99, 99.9, 99.99, 100), found):
            exact = values[max(0, math.ceil(percent / 100 * len(values) - 1e-7) - 1)]
            self.assertGreaterEqual(value, exact)
            self.assertLessEqual(value, exact * 1.001 + 1, percent)
