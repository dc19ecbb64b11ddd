import io
from unittest import mock

from django.core import signing
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client, TestCase

from polls.models import Choice, Poll

TOKEN = {"HTTP_AUTHORIZATION": "Bearer token"}


class PollsTest(TestCase):
    def ask(self, question="Tea?", choices="Yes, No"):
        return self.client.post("/ask", {"question": question, "choices": choices}, follow=True)

    def test_a_guest_asks_and_votes_once(self):
        self.assertContains(self.client.get("/"), "Nobody has asked yet")
        self.assertContains(self.client.post("/name", {"name": " Ada <3 "}, follow=True), 'value="Ada &lt;3"')
        page = self.ask(" Tea & cake? ", "Yes, No,, ")
        self.assertContains(page, "<h2>Tea &amp; cake?</h2>")
        self.assertContains(page, "<small>Ada &lt;3, ")
        self.assertContains(page, "<h1>Tea &amp; Polls</h1>")
        yes, no = Choice.objects.all()
        self.assertEqual((yes.text, no.text), ("Yes", "No"))
        page = self.client.post("/vote", {"choice": yes.id}, follow=True)
        self.assertContains(page, "Yes · 1")
        self.assertContains(page, "disabled", 2)
        self.client.post("/vote", {"choice": no.id})
        other = Client()
        self.assertContains(other.post("/vote", {"choice": yes.id}, follow=True), "Yes · 2")
        self.assertEqual([c.votes for c in Choice.objects.all()], [2, 0])

    def test_bad_input_changes_nothing(self):
        for question, choices in [("", "Yes, No"), ("Tea?", "Yes"), ("Tea?", ""), ("  ", "Yes, No")]:
            self.assertEqual(self.ask(question, choices).status_code, 422)
        self.assertEqual(Poll.objects.count(), 0)
        for choice in ["", "x", "1", "٣", "9" * 30]:
            self.assertEqual(self.client.post("/vote", {"choice": choice}).status_code, 404)
        self.assertEqual(self.client.get("/ask").status_code, 405)
        self.assertEqual(self.client.post("/").status_code, 405)

    def test_long_input_is_cut(self):
        self.client.post("/name", {"name": "n" * 100})
        self.ask("q" * 300, ",".join(["c" * 200] * 20))
        poll = Poll.objects.get()
        self.assertEqual((len(poll.question), poll.author, poll.choices.count(), len(poll.choices.first().text)), (200, "n" * 80, 10, 100))

    def test_the_page_shows_the_newest(self):
        for i in range(25):
            self.ask(f"Question {i}?")
        page = self.client.get("/").content.decode()
        self.assertEqual(page.count("<article>"), 20)
        self.assertLess(page.index("Question 24?"), page.index("Question 5?"))
        self.assertNotIn("Question 4?", page)
        self.assertEqual(Poll.objects.first().author, "Anonymous")

    def test_forms_of_other_sites_are_refused(self):
        self.assertEqual(Client(enforce_csrf_checks=True).post("/name", {"name": "Eve"}).status_code, 403)

    def test_a_session_of_another_key_is_ignored(self):
        self.client.post("/name", {"name": "Ada"})
        self.assertContains(self.client.get("/"), 'value="Ada"')
        salt = "django.contrib.sessions.backends.signed_cookies"
        self.client.cookies["sessionid"] = signing.dumps({"name": "Eve"}, key="other", salt=salt)
        self.assertNotContains(self.client.get("/"), "Eve")

    def test_count(self):
        self.ask()
        out = io.StringIO()
        call_command("count", stdout=out)
        self.assertEqual(out.getvalue(), "1\n")


class ProductionRoutesTest(TestCase):
    def setUp(self):
        self.client.raise_request_exception = False

    def test_without_the_token_they_do_not_exist(self):
        unknown = self.client.get("/unknown").content
        for path in ["/status", "/slow", "/fault"]:
            for given in ["", "Bearer ", "Bearer toke", "Bearer tokens", "Bearer TOKEN", "token", "Bearer tokén"]:
                with self.subTest(path=path, given=given):
                    response = self.client.get(path, HTTP_AUTHORIZATION=given)
                    self.assertEqual((response.status_code, response.content), (404, unknown))

    def test_status_follows_the_database(self):
        response = self.client.get("/status", **TOKEN)
        self.assertEqual((response.status_code, response.json()), (200, {"status": "ok", "checks": {"db": "ok"}}))
        with mock.patch("production.views.connection.cursor", side_effect=OperationalError("gone")):
            response = self.client.get("/status", **TOKEN)
        self.assertEqual((response.status_code, response.json()), (503, {"status": "fail", "checks": {"db": "fail"}}))
        self.assertEqual(response["Cache-Control"], "no-store")

    def test_slow_takes_a_second(self):
        with mock.patch("time.sleep") as sleep:
            self.assertEqual(self.client.get("/slow", **TOKEN).content, b"That took a second.\n")
        sleep.assert_called_once_with(1)

    def test_a_fault_is_logged_and_not_shown(self):
        with self.assertLogs("django.request", "ERROR") as logs:
            response = self.client.get("/fault", **TOKEN)
        self.assertEqual(response.status_code, 500)
        self.assertNotContains(response, "urn", status_code=500)
        self.assertIn("RuntimeError: the urn is broken", logs.output[0])

    def test_every_request_has_an_id_and_a_record(self):
        with self.assertLogs("request", "INFO") as logs:
            self.assertEqual(self.client.get("/?q=1", HTTP_X_REQUEST_ID="id-7")["X-Request-Id"], "id-7")
            self.assertRegex(self.client.get("/none", HTTP_X_REQUEST_ID="bad id")["X-Request-Id"], "^[0-9a-f]{32}$")
        first, second = logs.records
        self.assertEqual((first.request.get_full_path(), first.fields["status"], second.fields["status"]), ("/?q=1", 200, 404))
        self.assertLess(first.fields["ms"], 1000)
        self.assertIn("default-src 'none'", self.client.get("/")["Content-Security-Policy"])
