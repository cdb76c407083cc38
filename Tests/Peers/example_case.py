"""What the tests of the examples share: each class runs its own example, for as long as it takes."""
import json
import unittest

from websockets.sync.client import connect

from peer_case import TIMEOUT_SECONDS, PeerCase
from server_process import ServerProcess


class ExampleCase(PeerCase):
    """A test against an example; a class says which one."""

    example = None
    arguments = ()

    @classmethod
    def setUpClass(cls):
        if cls.backend is None:
            raise unittest.SkipTest("only the server given is tested")
        cls.host = "127.0.0.1"
        cls.server = cls.enterClassContext(
            ServerProcess(cls.example, cls.backend, *cls.arguments))
        cls.port = cls.server.port

    def tearDown(self):
        self.assertTrue(self.server.is_running, f"{self.example} died:\n{self.server.log()}")

    def open(self, url=None, **options):
        """A connection of Python's `websockets`, closed at the end of the test."""
        # What a test does not look at must not keep the close frame behind it.
        options.setdefault("max_queue", None)
        # proxy: the environment's proxy is not for the loopback.
        connection = connect(url or self.url, proxy=None, **options)
        self.addCleanup(connection.close)
        return connection

    def told(self, connection, request):
        """The answer to a request, if it is the next thing that the server says."""
        connection.send(request)
        return connection.recv(TIMEOUT_SECONDS)


def receive_event(connection, *types):
    """The next event of one of these types; others are skipped."""
    while True:
        event = json.loads(connection.recv(TIMEOUT_SECONDS))
        if event["type"] in types:
            return event
