"""Each mode against a server that is not ours, and against ours where they are built."""

import json
import os
import signal
import socket
import tempfile
import time
import unittest
import xml.etree.ElementTree
from pathlib import Path

from library_server import LibraryServer
from load_run import load, start
from raw_server import PING, PONG, RawServer, frame

from harness import fan_check
from harness.fan_programs import martlet
from harness.processes import Server
from harness.programs import echo

TIMES = {"count", "min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"}
KEYS = {"mode", "target", "connections", "stalled", "threads", "in_flight", "payload_bytes",
        "messages", "seconds", "messages_per_second", "bytes_per_second", "reads", "pings",
        "stalled_ended", "latency_us", "cpu_seconds", "cpu_share", "is_load_bound"}
RATE_KEYS = {"offered_per_second", "sent", "in_time", "late", "blocked", "is_schedule_kept", "lag_us"}
FANOUT_KEYS = {"published", "publishing_seconds", "has_same_order"}


class EchoServers(unittest.TestCase):
    """What is promised for any server that echoes."""

    def each(self, check):
        with LibraryServer() as server, self.subTest("websockets"):
            check(server.port)
        for backend in ("io_uring", "epoll"):
            program = echo(backend)
            with self.subTest(program.name):
                if not program.is_built:
                    self.skipTest("not built: swift build -c release")
                with Server(program) as server:
                    check(server.port)

    def run_well(self, mode, target, *arguments, **options):
        run = load(mode, target, *arguments, **options)
        self.assertEqual(run.status, 0, run.error)
        self.assertEqual(run.error, "")
        return run.result

    def test_echo_completes_all_messages_and_reports_every_key(self):
        def check(port):
            result = self.run_well("echo", port, "--connections", 20, "--messages", 2001,
                                   "--in-flight", 3, "--warmup", 100, "--threads", 2)
            self.assertEqual(set(result), KEYS)
            self.assertEqual(set(result["latency_us"]), TIMES)
            self.assertEqual((result["messages"], result["latency_us"]["count"]), (2001, 2001))
            self.assertEqual((result["connections"], result["threads"]), (20, 2))
            times = [result["latency_us"][key] for key in ("min", "p50", "p90", "p99", "max")]
            self.assertEqual(times, sorted(times))
            self.assertGreater(times[0], 0)
        self.each(check)

    def test_echo_for_a_time_lasts_as_long(self):
        def check(port):
            result = self.run_well("echo", port, "--connections", 5, "--duration", "500ms",
                                   "--payload", "hello", "--warmup", "100ms")
            self.assertAlmostEqual(result["seconds"], 0.5, delta=0.2)
            self.assertEqual(result["payload_bytes"], 5)
        self.each(check)

    def test_rate_sends_as_many_as_its_time_has_room_for(self):
        def check(port):
            result = self.run_well("rate", port, "--connections", 7, "--rate", 50, "--duration", 2,
                                   "--threads", 3)
            self.assertEqual(set(result), KEYS | RATE_KEYS)
            self.assertAlmostEqual(result["messages"], 700, delta=3)
            self.assertEqual(result["sent"], result["messages"])
            self.assertAlmostEqual(result["seconds"], 2, delta=0.2)
            self.assertEqual(result["offered_per_second"], 350)
        self.each(check)

    def test_connect_opens_and_closes_so_many(self):
        def check(port):
            result = self.run_well("connect", port, "--messages", 300, "--parallel", 7)
            self.assertEqual((result["messages"], result["latency_us"]["count"]), (300, 300))
            self.run_well("connect", port, "--messages", 100, "--keep", "--threads", 2)
            for ending in ("fin", "reset"):
                self.run_well("connect", port, "--messages", 100, "--end", ending)
            self.assertGreater(self.run_well("connect", port, "--duration", "300ms")["messages"], 50)
        self.each(check)

    def test_idle_echoes_again_for_each_line(self):
        def check(port):
            run = load("idle", port, "--connections", 50, "--echo", text="\n\n")
            self.assertEqual((run.status, run.output.splitlines()[:3]), (0, ["ready"] * 3), run.error)
            self.assertEqual(run.result, {"mode": "idle", "connections": 50, "pings": 0})
            self.run_well("idle", port, "--connections", 50, "--duration", "200ms")
        self.each(check)

    def test_idle_connections_answer_pings(self):
        answers = []

        def serve(peer):
            peer.upgrade()
            peer.send(frame(b"still there?", PING))
            answers.append(peer.frame())
            peer.echo()
        with RawServer(serve) as port:
            result = self.run_well("idle", port, "--connections", 3, "--duration", "300ms")
        self.assertEqual(answers, [(PONG, b"still there?")] * 3)
        self.assertEqual(result["pings"], 3)

    def test_an_interrupt_ends_the_run_with_its_report(self):
        with LibraryServer() as server:
            for mode in ("echo", "rate", "connect", "fanout --passive"):
                process = start(mode, server.port, "--duration", 60)
                time.sleep(0.7)
                process.send_signal(signal.SIGINT)
                output, error = process.communicate(timeout=20)
                self.assertEqual((process.returncode, error), (0, ""), mode)
                self.assertLess(json.loads(output)["seconds"], 20)

    def test_a_terminal_sees_a_line_that_moves(self):
        terminal, slave = os.openpty()
        with LibraryServer() as server:
            process = start("rate", server.port, "--rate", 100, "--duration", 2, stderr=slave)
            process.communicate(timeout=20)
        os.close(slave)
        line = os.read(terminal, 65536).decode()
        os.close(terminal)
        for part in ("/s", "p50", "p99", "in flight"):
            self.assertIn(part, line)

    def test_a_run_follows_each_line_on_stdin(self):
        def check(port):
            run = load("echo", port, "--gate", "--messages", 100, text="\n\n")
            ready, *results = run.output.splitlines()
            self.assertEqual((run.status, ready, len(results)), (0, "ready", 2))
            self.assertEqual([json.loads(result)["messages"] for result in results], [100, 100])
        self.each(check)

    def test_who_never_reads_does_not_end_the_run(self):
        def check(port):
            for mode in ("stall echo", "stall rate", "stall"):
                result = self.run_well(mode, port, "--connections", 20, "--stalled", "10%",
                                       "--duration", 1, "--size", 2000, "--threads", 2)
                self.assertEqual(result["stalled"], 2)
                self.assertGreater(result["messages"], 10)
            self.assertEqual(self.run_well("stall", port, "--connections", 20)["stalled"], 1)
        self.each(check)

    def test_the_report_for_people_has_the_percentiles_and_a_picture(self):
        with LibraryServer() as server, tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "latency.svg"
            run = load("echo", server.port, "--messages", 500, "--svg", picture, is_json=False)
            self.assertEqual(run.status, 0, run.error)
            for part in ("500 in", "50 %", "99.99 %", "max", "|####"):
                self.assertIn(part, run.output)
            texts = "".join(xml.etree.ElementTree.parse(picture).getroot().itertext())
            self.assertIn("p99.99", texts)
            quiet = load("echo", server.port, "--messages", 10, "--quiet", is_json=False)
            self.assertEqual((quiet.status, quiet.output, quiet.error), (0, "", ""))

    def test_targets_may_be_names_and_ipv6_addresses_and_unix_sockets(self):
        with LibraryServer() as server:  # `localhost` may be ::1 first, where nobody listens
            self.run_well("echo", f"ws://localhost:{server.port}/a?b=c", "--messages", 10)
        if socket.has_ipv6:
            with LibraryServer(host="::1") as server:
                self.run_well("echo", f"ws://[::1]:{server.port}", "--messages", 10)
        with tempfile.TemporaryDirectory() as folder:
            with LibraryServer(path=f"{folder}/socket"):
                self.run_well("echo", f"ws+unix:{folder}/socket:/path", "--messages", 10)

    def test_connections_come_from_the_given_addresses_in_turn(self):
        peers = []

        def serve(peer):
            peers.append(peer.address[0])
            peer.upgrade()
            peer.echo()
        with RawServer(serve) as port:
            self.run_well("echo", port, "--connections", 6, "--messages", 60,
                          "--source-addresses", "127.0.0.7-127.0.0.9")
        self.assertEqual(sorted(peers), [f"127.0.0.{last}" for last in (7, 7, 8, 8, 9, 9)])

    def test_a_load_that_is_too_busy_says_so(self):
        with LibraryServer() as server:
            run = load("rate", server.port, "--connections", 1, "--rate", 100_000_000,
                       "--messages", 100_000, "--timeout", "60s", is_json=False)
        self.assertEqual(run.status, 0, run.error)
        self.assertIn("WARNING", run.output)


class Broadcasts(unittest.TestCase):
    def test_deliveries_are_checked(self):
        self.assertEqual(fan_check.errors(), [])

    def test_fanout_receives_all_that_is_published(self):
        for backend in ("io_uring", "epoll"):
            program = martlet(backend).with_arguments("--messages", "50", "--size", "100",
                                                      "--threads", "2")
            with self.subTest(program.name):
                if not program.is_built:
                    self.skipTest("not built: swift build -c release --package-path Benchmarks")
                with Server(program) as server:
                    for arguments in ((), ("--threads", 2), ("--stalled", "10%")):
                        run = load("fanout", server.port, "--connections", 30, "--messages", 50,
                                   "--size", 100, *arguments)
                        self.assertEqual(run.status, 0, run.error)
                        result, stalled = run.result, 3 if "--stalled" in arguments else 0
                        self.assertEqual(set(result), KEYS | FANOUT_KEYS)
                        self.assertEqual(result["messages"], 50 * (30 - stalled))
                        self.assertEqual(result["latency_us"]["count"], 50)
                        self.assertTrue(result["has_same_order"])

    def test_pings_between_deliveries_are_answered(self):
        answers = []

        def serve(peer):
            peer.upgrade()
            peer.frame()
            data = b"".join(fan_check.message(number, 100) + frame(b"?", 9) for number in range(20))
            for at in range(0, len(data), 37):
                peer.send(data[at : at + 37])
            answers.extend(peer.frame() for _ in range(20))
            peer.echo()
        with RawServer(serve) as port:
            run = load("fanout", port, "--messages", 20, "--size", 100)
        self.assertEqual((run.status, run.error), (0, ""))
        self.assertEqual(answers, [(10, b"?")] * 20)
        self.assertEqual(run.result["pings"], 20)

    def test_whatever_a_server_sends_is_counted(self):
        with LibraryServer(greeting="hello") as server:
            run = load("fanout", server.port, "--passive", "--connections", 10, "--duration", 1)
        self.assertEqual(run.status, 0, run.error)
        self.assertGreater(run.result["messages"], 500)
        self.assertLess(run.result["messages"], 1010)
        self.assertAlmostEqual(run.result["bytes_per_second"],
                               5 * run.result["messages_per_second"], delta=10)

    def test_a_greeting_is_sent_on_each_connection(self):
        with LibraryServer() as server:
            run = load("fanout", server.port, "--passive", "--connections", 10, "--greet", "hi",
                       "--messages", 10)
            self.assertEqual((run.status, run.result["messages"]), (0, 10), run.error)
            self.assertEqual(server.message_count, 10)
