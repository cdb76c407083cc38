"""The example `chat`: rooms, names, and commands that are refused."""
from example_case import ExampleCase
from peer_case import TIMEOUT_SECONDS


class ChatTest(ExampleCase):
    example = "chat"
    arguments = ("--reactors", "2")

    def named(self, name):
        connection = self.open()
        self.assertEqual(self.told(connection, f"nick {name}"), f"named {name}")
        return connection

    def assert_hears(self, connection, text):
        self.assertEqual(connection.recv(TIMEOUT_SECONDS), text)

    def assert_refused(self, connection, request):
        answer = self.told(connection, request)
        self.assertTrue(answer.startswith("refused "), f"{request!r}: {answer!r}")

    def test_tells_a_room_what_is_said_in_it_and_not_who_said_it(self):
        ada, grace = self.named("ada"), self.named("grace")
        self.assertEqual(self.told(ada, "join talk"), "joined talk 1")
        self.assertEqual(self.told(grace, "join talk"), "joined talk 2")
        self.assert_hears(ada, "talk grace has come")

        self.assertEqual(self.told(grace, "say talk Hello,  München \U0001f426"), "said talk")
        self.assert_hears(ada, "talk grace: Hello,  München \U0001f426")
        # Nothing of her own came to grace in between.
        self.assertEqual(self.told(ada, "say talk Hello, grace"), "said talk")
        self.assert_hears(grace, "talk ada: Hello, grace")

        self.assertEqual(self.told(grace, "nick hopper"), "named hopper")
        self.assert_hears(ada, "talk grace is now hopper")
        self.assertEqual(self.told(grace, "leave talk"), "left talk")
        self.assert_hears(ada, "talk hopper has left")
        self.assert_refused(grace, "say talk unheard")

    def test_keeps_rooms_apart(self):
        ada, grace = self.named("ada"), self.named("grace")
        self.assertEqual(self.told(ada, "join one"), "joined one 1")
        self.assertEqual(self.told(grace, "join two"), "joined two 1")
        self.assertEqual(self.told(grace, "say two to myself"), "said two")
        self.assertEqual(self.told(ada, "say one to myself"), "said one")

    def test_says_who_has_gone(self):
        ada, grace = self.named("ada"), self.named("grace")
        self.assertEqual(self.told(ada, "join leaving"), "joined leaving 1")
        self.assertEqual(self.told(grace, "join leaving"), "joined leaving 2")
        self.assert_hears(ada, "leaving grace has come")
        grace.close()
        self.assert_hears(ada, "leaving grace has left")

    def test_limits_the_rooms_of_a_connection(self):
        connection = self.named("ada")
        for number in range(8):
            self.assertEqual(self.told(connection, f"join many-{number}"), f"joined many-{number} 1")
        self.assert_refused(connection, "join many-8")
        self.assertEqual(self.told(connection, "leave many-0"), "left many-0")
        self.assertEqual(self.told(connection, "join many-8"), "joined many-8 1")

    def test_refuses_what_it_does_not_understand(self):
        connection = self.named("ada")
        self.told(connection, "join here")
        for request in ("", " ", "join", "join ", "join a b", "join \u00e4", "join " + "x" * 25,
                        "nick", "nick a b", "nick \x00", "say here", "say nowhere hello",
                        "say here two\nlines", "say here \x1b[2J", "leave nowhere", "join here",
                        "shout here hello", b"join bytes", b"\xff\x00"):
            with self.subTest(request=request):
                self.assert_refused(connection, request)
        self.assertEqual(self.told(connection, "say here still here"), "said here")
