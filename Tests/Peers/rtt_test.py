"""The example `rtt`: how long pings and their pongs take."""
import os
import re
import struct
import time

from example_case import ExampleCase
from peer_case import PING, PONG, TEXT, TIMEOUT_SECONDS, frame


class RTTTest(ExampleCase):
    example = "rtt"

    def test_tells_of_ten_round_trips_a_second(self):
        connection = self.open()
        first = connection.recv(TIMEOUT_SECONDS)
        start = time.monotonic()
        times = [first] + [connection.recv(TIMEOUT_SECONDS) for _ in range(10)]
        self.assertAlmostEqual(time.monotonic() - start, 1, delta=0.5)
        for text in times:
            self.assertRegex(text, r"^\d+ µs$")
            self.assertLess(int(text.split()[0]), 1_000_000)

    def test_prints_a_summary_of_who_has_gone(self):
        connection = self.open()
        for _ in range(3):
            connection.recv(TIMEOUT_SECONDS)
        connection.close()
        self.server.await_output(
            r"\n[3-9] pongs: at least \d+ µs, on average \d+ µs, at most \d+ µs\n")

    def test_measures_what_the_client_takes(self):
        connection = self.upgraded()
        first, payload = connection.receive_frame()
        self.assertEqual((first, len(payload)), (0x80 | PING, 8))
        time.sleep(0.3)
        connection.send(frame(PONG, payload))
        self.assertGreaterEqual(self.next_time(connection), 300_000)

    def test_believes_no_made_up_pong(self):
        connection = self.upgraded()
        for payload in (b"", b"x", os.urandom(7), os.urandom(9), b"\xff" * 8, b"\x00" * 125,
                        struct.pack(">Q", 1 << 63)):
            connection.send(frame(PONG, payload))
        first, payload = connection.receive_frame()
        self.assertEqual(first, 0x80 | PING)
        connection.send(frame(PONG, payload))
        # The first time told is that of the one right pong.
        self.assertLess(self.next_time(connection), 5_000_000)

    def next_time(self, connection):
        while True:
            first, payload = connection.receive_frame()
            if first == 0x80 | TEXT:
                return int(re.fullmatch("(\\d+) µs", payload.decode())[1])
