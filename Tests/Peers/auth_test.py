"""The example `auth`: only who knows a token comes in."""
from websockets.exceptions import InvalidStatus

from example_case import ExampleCase
from peer_case import TIMEOUT_SECONDS


class AuthTest(ExampleCase):
    example = "auth"

    def token(self, name):
        return self.server.await_output(f"{name}'s token: ([0-9a-f]{{32}})\n")[1]

    def bearer(self, token):
        return {"additional_headers": {"Authorization": f"Bearer {token}"}}

    def assert_refused(self, url=None, **options):
        with self.assertRaises(InvalidStatus) as caught:
            self.open(url, **options)
        response = caught.exception.response
        self.assertEqual(response.status_code, 401)
        self.assertTrue(response.headers["WWW-Authenticate"].startswith("Bearer"))
        self.assertEqual(response.body, b"A token is needed.\n")

    def test_knows_whose_token_it_is(self):
        for name in "ada", "grace":
            for connection in (self.open(**self.bearer(self.token(name))),
                               self.open(f"{self.url}?token={self.token(name)}")):
                self.assertEqual(connection.recv(TIMEOUT_SECONDS), f"Hello, {name}.")
                for count in 1, 2:
                    self.assertEqual(
                        self.told(connection, "here"), f"{name}, message {count}: here")

    def test_refuses_everything_else(self):
        token = self.token("ada")
        self.assert_refused()
        for wrong in "", "x", token[:-1], token + "0", token.upper() + "!", "0" * 32, "\u00e4" * 16:
            with self.subTest(wrong=wrong):
                self.assert_refused(f"{self.url}?token={wrong}")
        for wrong in token, f"Basic {token}", f"Bearer {token} {token}", "Bearer", "Bearer 0":
            with self.subTest(wrong=wrong):
                self.assert_refused(additional_headers={"Authorization": wrong})

    def test_a_wrong_field_is_not_mended_by_the_query(self):
        self.assert_refused(f"{self.url}?token={self.token('ada')}", **self.bearer("wrong"))
