"""RFC 6455 §5-§8: what a server must refuse, told by the close code it answers with."""
import struct

from peer_case import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, PeerCase, frame


class FramesTest(PeerCase):
    def assert_failed(self, data, code):
        """The server answers with a close frame of that code and ends the connection."""
        connection = self.upgraded()
        connection.send_until_refused(data)
        self.assertEqual(connection.receive_close_code(), code)
        connection.end_sending()
        self.assertEqual(connection.receive_to_end(), b"", "nothing may follow a close frame")

    def test_refuses_an_unmasked_frame(self):
        self.assert_failed(frame(TEXT, b"bare", masked=False), 1002)

    def test_refuses_reserved_bits(self):
        for reserved in 1, 2, 4:
            with self.subTest(reserved=reserved):
                self.assert_failed(frame(TEXT, b"x", reserved=reserved), 1002)

    def test_refuses_reserved_opcodes(self):
        for opcode in 3, 7, 11, 15:
            with self.subTest(opcode=opcode):
                self.assert_failed(frame(opcode, b"x"), 1002)

    def test_refuses_a_long_control_frame(self):
        self.assert_failed(frame(PING, b"x" * 126), 1002)

    def test_refuses_a_fragmented_control_frame(self):
        self.assert_failed(frame(PING, b"x", final=False), 1002)

    def test_refuses_a_length_that_is_not_minimal(self):
        self.assert_failed(struct.pack(">BBH4x5s", 0x81, 0x80 | 126, 5, b"hello"), 1002)
        self.assert_failed(struct.pack(">BBQ4x5s", 0x81, 0x80 | 127, 5, b"hello"), 1002)

    def test_refuses_a_continuation_of_nothing(self):
        self.assert_failed(frame(CONTINUATION, b"x"), 1002)

    def test_refuses_a_message_within_a_message(self):
        self.assert_failed(frame(TEXT, b"a", final=False) + frame(TEXT, b"b"), 1002)

    def test_refuses_text_that_is_not_utf_8(self):
        for text in b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82":
            with self.subTest(text=text):
                self.assert_failed(frame(TEXT, text), 1007)

    def test_refuses_a_bad_byte_before_the_message_ends(self):
        self.assert_failed(frame(TEXT, b"good \xff", final=False), 1007)

    def test_refuses_a_message_beyond_the_limit(self):
        self.assert_failed(frame(BINARY, bytes(self.max_message_byte_count + 1)), 1009)

    def test_refuses_a_declared_length_without_waiting_for_it(self):
        for declared in self.max_message_byte_count + 1, 2**63 - 1:
            with self.subTest(declared=declared):
                self.assert_failed(frame(BINARY, b"x", declared=declared), 1009)

    def test_refuses_a_length_with_its_highest_bit_set(self):
        self.assert_failed(frame(BINARY, b"x", declared=2**63), 1002)

    def test_refuses_fragments_beyond_the_limit(self):
        half = bytes(self.max_message_byte_count // 2 + 1)
        self.assert_failed(
            frame(BINARY, half, final=False) + frame(CONTINUATION, half, final=False), 1009)

    def test_refuses_close_codes_that_may_not_be_sent(self):
        for code in 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535:
            with self.subTest(code=code):
                self.assert_failed(frame(CLOSE, struct.pack(">H", code)), 1002)

    def test_refuses_a_close_of_one_byte(self):
        self.assert_failed(frame(CLOSE, b"\x03"), 1002)

    def test_refuses_a_close_reason_that_is_not_utf_8(self):
        self.assert_failed(frame(CLOSE, struct.pack(">H", 1000) + b"\xff"), 1007)

    def test_ignores_what_follows_a_close(self):
        self.assert_failed(
            frame(TEXT, b"before") + frame(CLOSE, struct.pack(">H", 1000))
            + frame(TEXT, b"after") + b"\xff" * 64, 1000)

    def test_answers_an_empty_close_with_an_empty_close(self):
        self.assert_failed(frame(CLOSE), None)

    def test_answers_pings_amid_a_fragmented_message(self):
        connection = self.upgraded()
        connection.send(
            frame(TEXT, b"frag", final=False) + frame(PING, b"amid")
            + frame(CONTINUATION, b"ment", final=False) + frame(PONG, b"unasked")
            + frame(CONTINUATION, b"ed"))
        self.assertEqual(connection.receive_frame(), (0x80 | PONG, b"amid"))
        message = b""
        final = 0
        while not final:
            first, payload = connection.receive_frame()
            final = first & 0x80
            message += payload
        self.assertEqual(message, b"fragmented")

    def test_keeps_the_order_of_frames_cut_anywhere(self):
        payloads = [b"%d " % number * number for number in range(300)]
        stream = b"".join(frame(BINARY, payload) for payload in payloads)
        connection = self.upgraded()
        for start in range(0, len(stream), 997):
            connection.send(stream[start:start + 997])
        for payload in payloads:
            self.assertEqual(connection.receive_frame(), (0x80 | BINARY, payload))

    def test_answers_everything_sent_before_a_close(self):
        payloads = [b"message %d" % number for number in range(1000)]
        connection = self.upgraded()
        connection.send(
            b"".join(frame(TEXT, payload) for payload in payloads)
            + frame(CLOSE, struct.pack(">H", 1000)))
        for payload in payloads:
            self.assertEqual(connection.receive_frame(), (0x80 | TEXT, payload))
        self.assertEqual(connection.receive_close_code(), 1000)

    def test_survives_resets_in_the_middle_of_a_frame(self):
        data = frame(BINARY, bytes(1000))
        for byte_count in 0, 1, 3, 7, 500, 1007:
            connection = self.upgraded()
            connection.send(data[:byte_count])
            connection.reset()
        self.assertEqual(self.echo(b"still there"), b"still there")

    def test_ends_a_connection_whose_client_has_gone(self):
        connection = self.upgraded()
        connection.end_sending()
        connection.receive_to_end()

    def echo(self, payload):
        connection = self.upgraded()
        connection.send(frame(BINARY, payload))
        return connection.receive_frame()[1]
