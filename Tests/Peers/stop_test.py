"""How the server starts and ends."""
import signal
import struct
import subprocess

from echo_process import EchoProcess
from peer_case import CLOSE, PeerCase, frame
from server_process import STOP_SECONDS, executable


class StopTest(PeerCase):
    def setUp(self):
        if self.backend is None:
            self.skipTest("the server is not ours to stop")

    def assert_stops_cleanly(self, signal_number):
        with EchoProcess(self.backend) as echo:
            self.port = echo.port
            connections = [self.upgraded() for _ in range(3)]
            unfinished = self.connect()
            unfinished.send(self.upgrade_request()[:20])
            echo.send_signal(signal_number)
            for connection in connections:
                self.assertEqual(connection.receive_close_code(), 1001)
                connection.send(frame(CLOSE, struct.pack(">H", 1001)))
                self.assertEqual(connection.receive_to_end(), b"")
            self.assertEqual(echo.wait(), 0, echo.log())

    def test_a_client_that_never_answers_does_not_hold_up_the_end(self):
        with EchoProcess(self.backend) as echo:
            self.port = echo.port
            self.upgraded()
            echo.send_signal(signal.SIGTERM)
            self.assertEqual(echo.wait(), 0, echo.log())

    def test_interrupt_closes_with_1001_and_exits_0(self):
        self.assert_stops_cleanly(signal.SIGINT)

    def test_terminate_closes_with_1001_and_exits_0(self):
        self.assert_stops_cleanly(signal.SIGTERM)

    def test_wrong_arguments_are_refused_with_a_reason(self):
        for arguments in (["--nonesuch"], ["--port", "65536"], ["--backend", "kqueue"], ["--port"]):
            with self.subTest(arguments=arguments):
                result = subprocess.run(
                    [executable("echo"), *arguments], capture_output=True, timeout=STOP_SECONDS)
                self.assertNotEqual(result.returncode, 0)
                self.assertGreater(result.returncode, 0, "ended by a signal")
                self.assertIn(arguments[0].encode(), result.stderr)
