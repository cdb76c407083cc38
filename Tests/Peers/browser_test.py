"""The page at `/` in a real browser: what a person sees and does."""
import unittest

from browser import Browser, find_chromium
from peer_case import PeerCase

# Where pictures of the page are kept, if anywhere.
screenshot_folder = None


@unittest.skipUnless(find_chromium(), "there is no Chromium")
class BrowserTest(PeerCase):
    def opened(self, **options):
        browser = self.enterContext(Browser(**options))
        browser.open(f"http://{self.authority}/")
        browser.wait_for("document.getElementById('status').textContent === 'open'")
        return browser

    def received(self, browser):
        return browser.evaluate(
            "[...document.querySelectorAll('.received .body')].map(body => body.textContent)")

    def send_text(self, browser, text):
        browser.evaluate(f"document.getElementById('text').value = {text!r}")
        browser.evaluate("document.getElementById('send').click()")

    def test_sends_and_shows_text_and_bytes(self):
        browser = self.opened()
        self.send_text(browser, "Hello, M\u00fcnchen \U0001f426")
        self.send_text(browser, "<b>not bold</b>")
        browser.evaluate("document.getElementById('size').value = '1000000'")
        browser.evaluate("document.getElementById('binary').click()")
        browser.wait_for("document.querySelectorAll('.received').length === 3")
        sent = browser.evaluate(
            "[...document.querySelectorAll('.sent .body')].map(body => body.textContent)")
        self.assertEqual(sent[:2], ["Hello, M\u00fcnchen \U0001f426", "<b>not bold</b>"])
        self.assertEqual(self.received(browser), sent)

        details = browser.evaluate("document.querySelector('.received small').textContent")
        self.assertRegex(details, r"^20 B · \d+(\.\d\d)? ms$")

    def test_closes_with_the_code_chosen_and_connects_again(self):
        browser = self.opened()
        browser.evaluate("document.getElementById('code').value = '4000'")
        browser.evaluate("document.getElementById('close').click()")
        browser.wait_for("document.getElementById('status').textContent === 'closed'")
        event = browser.evaluate("document.querySelector('.event').textContent")
        self.assertRegex(event, "^closed, code 4000")
        self.assertTrue(browser.evaluate("document.getElementById('send').disabled"))

        browser.evaluate("document.getElementById('connect').click()")
        browser.wait_for("document.getElementById('status').textContent === 'open'")
        self.send_text(browser, "again")
        browser.wait_for("document.querySelectorAll('.received').length === 1")
        self.assertEqual(self.received(browser), ["again"])

    def test_fits_a_phone_and_a_desk_by_day_and_by_night(self):
        for name, width, height in ("phone", 360, 720), ("desk", 1100, 800):
            for dark in False, True:
                with self.subTest(name=name, dark=dark):
                    browser = self.opened(width=width, height=height, dark=dark)
                    for text in "Good morning", "A longer message, which wraps. " * 5, "x" * 100:
                        self.send_text(browser, text)
                    browser.evaluate("document.getElementById('binary').click()")
                    browser.wait_for("document.querySelectorAll('.received').length === 4")
                    self.assertTrue(browser.evaluate(
                        "document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways")
                    if screenshot_folder:
                        screenshot_folder.mkdir(parents=True, exist_ok=True)
                        time = "night" if dark else "day"
                        browser.screenshot(screenshot_folder / f"{name}-{time}.png")
