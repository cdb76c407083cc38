"""RFC 6455 §4: the opening handshake, as strict and as lenient as it must be."""
from peer_case import BINARY, TEXT, PeerCase, accept_key, frame


class HandshakeTest(PeerCase):
    def assert_upgraded(self, request):
        connection = self.connect()
        connection.send(request)
        self.assertEqual(connection.receive_response().status, 101)
        connection.send(frame(TEXT, b"after the handshake"))
        self.assertEqual(connection.receive_frame(), (0x80 | TEXT, b"after the handshake"))

    def assert_refused(self, request, *statuses):
        """Refused with one of the statuses, and then the connection ends."""
        connection = self.connect()
        connection.send_until_refused(request)
        response = connection.receive_response()
        self.assertIn(response.status, statuses)
        connection.end_sending()
        connection.receive_to_end()
        return response

    def test_accepts_with_the_key_of_the_rfc(self):
        connection = self.connect()
        connection.send(self.upgrade_request())
        response = connection.receive_response()
        self.assertEqual(response.protocol, "HTTP/1.1")
        self.assertEqual(response.status, 101)
        self.assertEqual(response.fields["upgrade"].lower(), "websocket")
        self.assertEqual(response.fields["connection"].lower(), "upgrade")
        self.assertEqual(response.fields["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.assertNotIn("sec-websocket-extensions", response.fields)
        self.assertNotIn("sec-websocket-protocol", response.fields)

    def test_accepts_each_key_with_its_own_answer(self):
        key = "AQIDBAUGBwgJCgsMDQ4PEA=="
        connection = self.connect()
        connection.send(self.upgrade_request(Sec_WebSocket_Key=key))
        answer = connection.receive_response().fields["sec-websocket-accept"]
        self.assertEqual(answer, accept_key(key))

    def test_accepts_a_request_that_arrives_byte_by_byte(self):
        connection = self.connect()
        connection.send_byte_by_byte(self.upgrade_request())
        self.assertEqual(connection.receive_response().status, 101)
        connection.send_byte_by_byte(frame(BINARY, bytes(range(200))))
        self.assertEqual(connection.receive_frame(), (0x80 | BINARY, bytes(range(200))))

    def test_serves_frames_that_came_with_the_request(self):
        connection = self.connect()
        connection.send(self.upgrade_request() + frame(TEXT, b"one") + frame(TEXT, b"two"))
        self.assertEqual(connection.receive_response().status, 101)
        self.assertEqual(connection.receive_frame(), (0x80 | TEXT, b"one"))
        self.assertEqual(connection.receive_frame(), (0x80 | TEXT, b"two"))

    def test_serves_a_frame_of_which_half_came_with_the_request(self):
        first = frame(TEXT, b"cut in two")
        connection = self.connect()
        connection.send(self.upgrade_request() + first[:5])
        self.assertEqual(connection.receive_response().status, 101)
        connection.send(first[5:])
        self.assertEqual(connection.receive_frame(), (0x80 | TEXT, b"cut in two"))

    def test_compares_field_names_and_tokens_without_regard_to_case(self):
        request = self.upgrade_request()
        self.assert_upgraded(
            request.replace(b"Connection: Upgrade", b"connection: upgrade")
            .replace(b"Upgrade: websocket", b"UPGRADE: WebSocket")
            .replace(b"Sec-WebSocket-Key", b"sec-websocket-key"))

    def test_finds_upgrade_in_a_list(self):
        self.assert_upgraded(self.upgrade_request(Connection="keep-alive, Upgrade"))

    def test_finds_upgrade_in_the_second_of_two_fields(self):
        self.assert_upgraded(self.upgrade_request(
            Connection="keep-alive", extra=["Connection: Upgrade"]))

    def test_accepts_a_value_without_the_space_before_it(self):
        self.assert_upgraded(self.upgrade_request().replace(b": ", b":"))

    def test_accepts_an_offered_extension_by_leaving_it_out(self):
        connection = self.connect()
        connection.send(self.upgrade_request(Sec_WebSocket_Extensions="x-unknown; level=9"))
        response = connection.receive_response()
        self.assertEqual(response.status, 101)
        self.assertNotIn("sec-websocket-extensions", response.fields)

    def test_refuses_another_version_and_names_its_own(self):
        for version in "8", "12", "14", "013", "13, 8", "":
            with self.subTest(version=version):
                response = self.assert_refused(
                    self.upgrade_request(Sec_WebSocket_Version=version), 400, 426)
                if version in ("8", "12", "14"):
                    self.assertEqual(response.status, 426)
                if response.status == 426:
                    self.assertEqual(response.fields["sec-websocket-version"], "13")

    def test_refuses_a_key_that_is_not_sixteen_bytes(self):
        for key in "", "short", "AQIDBAUGBwgJCgsMDQ4P", "AQIDBAUGBwgJCgsMDQ4PEBE=", "*" * 22 + "==":
            with self.subTest(key=key):
                self.assert_refused(self.upgrade_request(Sec_WebSocket_Key=key), 400)

    def test_refuses_a_request_without_key(self):
        self.assert_refused(self.upgrade_request(Sec_WebSocket_Key=None), 400)

    def test_refuses_two_keys(self):
        self.assert_refused(self.upgrade_request(
            extra=["Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA=="]), 400)

    def test_refuses_a_request_without_host(self):
        self.assert_refused(self.upgrade_request(Host=None), 400)

    def test_refuses_two_hosts(self):
        self.assert_refused(self.upgrade_request(extra=["Host: elsewhere"]), 400)

    def test_refuses_another_method(self):
        self.assert_refused(self.upgrade_request(method="POST"), 400, 405)

    def test_refuses_the_protocol_before_1_1(self):
        self.assert_refused(self.upgrade_request(protocol="HTTP/1.0"), 400, 426, 505)

    def test_refuses_what_is_no_http(self):
        for request in b"\r\n\r\n\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n":
            with self.subTest(request=request):
                self.assert_refused(request, 400, 426, 505)

    def test_refuses_folded_fields(self):
        self.assert_refused(self.upgrade_request(extra=["X-Folded: one", " two"]), 400)

    def test_refuses_control_characters_in_a_value(self):
        for character in "\x00", "\x01", "\r", "\x7f":
            with self.subTest(character=character):
                self.assert_refused(
                    self.upgrade_request(extra=[f"X-Control: a{character}b"]), 400)

    def test_refuses_a_space_before_the_colon(self):
        self.assert_refused(self.upgrade_request(extra=["X-Space : value"]), 400)

    def test_refuses_a_body(self):
        self.assert_refused(self.upgrade_request(Content_Length="5") + b"hello", 400, 413)
        self.assert_refused(self.upgrade_request(Transfer_Encoding="chunked"), 400, 413, 501)

    def test_refuses_64_kib_of_fields(self):
        self.assert_refused(self.upgrade_request(extra=["X-Long: " + "x" * 65_536]), 431)

    def test_refuses_a_line_that_never_ends(self):
        self.assert_refused(b"GET /" + b"x" * 65_536, 400, 414, 431)

    def test_answers_nothing_before_the_request_is_complete(self):
        connection = self.connect()
        connection.send(self.upgrade_request()[:-2])
        connection.end_sending()
        self.assertNotIn(b"101", connection.receive_to_end()[:16])

    def test_survives_connections_that_end_in_the_request(self):
        request = self.upgrade_request()
        for byte_count in range(0, len(request), 7):
            connection = self.connect()
            connection.send(request[:byte_count])
            connection.reset()
        self.assert_upgraded(request)
