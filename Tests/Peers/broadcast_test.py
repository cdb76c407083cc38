"""The example `broadcast`: everybody hears a message a second."""
import time

from example_case import ExampleCase
from peer_case import TIMEOUT_SECONDS


class BroadcastTest(ExampleCase):
    example = "broadcast"

    def test_tells_everybody_the_same_each_second(self):
        connections = [self.open() for _ in range(5)]
        start = int(connections[0].recv(TIMEOUT_SECONDS).removeprefix("second "))
        first_moment = time.monotonic()
        for connection in connections[1:]:
            self.assertEqual(connection.recv(TIMEOUT_SECONDS), f"second {start}")
        for second in start + 1, start + 2:
            for connection in connections:
                self.assertEqual(connection.recv(TIMEOUT_SECONDS), f"second {second}")
        self.assertAlmostEqual(time.monotonic() - first_moment, 2, delta=0.5)

    def test_goes_on_when_somebody_leaves(self):
        staying, leaving = self.open(), self.open()
        leaving.close()
        for _ in range(2):
            self.assertRegex(staying.recv(TIMEOUT_SECONDS), r"^second \d+$")
