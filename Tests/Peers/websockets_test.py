"""Python's `websockets` as a client, with its own defaults."""
import threading

from websockets.sync.client import connect

from peer_case import TIMEOUT_SECONDS, PeerCase


class WebsocketsTest(PeerCase):
    def open(self, **options):
        # proxy: the environment's proxy is not for the loopback.
        connection = connect(self.url, max_size=None, proxy=None, **options)
        self.addCleanup(connection.close_socket)
        return connection

    def assert_echoed(self, connection, message):
        connection.send(message)
        self.assertEqual(connection.recv(TIMEOUT_SECONDS), message)

    def test_echoes_text_and_binary_of_every_length_class(self):
        connection = self.open()
        for count in 0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20, self.max_message_byte_count:
            with self.subTest(count=count):
                self.assert_echoed(connection, "x" * count)
                self.assert_echoed(connection, (bytes(range(256)) * (count // 256 + 1))[:count])

    def test_echoes_text_of_every_width(self):
        self.assert_echoed(self.open(), "a \u00e9 \u20ac \U0001f426 \ufeff \x00" * 1000)

    def test_joins_fragments(self):
        connection = self.open()
        connection.send(["one ", "", "two ", "three"])
        self.assertEqual(connection.recv(TIMEOUT_SECONDS), "one two three")
        connection.send([b"\x00" * 70_000, b"\x01"])
        self.assertEqual(connection.recv(TIMEOUT_SECONDS), b"\x00" * 70_000 + b"\x01")

    def test_answers_pings(self):
        connection = self.open()
        for payload in b"", b"payload", b"x" * 125:
            self.assertTrue(connection.ping(payload).wait(TIMEOUT_SECONDS))

    def test_takes_pongs_that_nobody_asked_for(self):
        connection = self.open()
        connection.pong(b"unasked")
        self.assert_echoed(connection, "still there")

    def test_answers_a_close_with_its_code(self):
        for code in 1000, 1001, 1003, 1011, 3000, 4000, 4999:
            with self.subTest(code=code):
                connection = self.open()
                connection.close(code, "good-bye")
                self.assertEqual(connection.protocol.close_rcvd.code, code)

    def test_keeps_the_order_of_pipelined_messages(self):
        connection = self.open(compression=None)
        count = 5000
        sender = threading.Thread(
            target=lambda: [connection.send(str(number)) for number in range(count)])
        sender.start()
        received = [connection.recv(TIMEOUT_SECONDS) for _ in range(count)]
        sender.join(TIMEOUT_SECONDS)
        self.assertEqual(received, [str(number) for number in range(count)])

    def test_holds_many_connections_apart(self):
        connections = [self.open(compression=None) for _ in range(100)]
        for number, connection in enumerate(connections):
            connection.send(f"connection {number}")
        for number, connection in enumerate(connections):
            self.assertEqual(connection.recv(TIMEOUT_SECONDS), f"connection {number}")
