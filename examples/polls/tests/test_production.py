import io
import json
import logging
import os
import re
import socket
import tempfile
import time
from contextlib import redirect_stderr
from types import SimpleNamespace
from unittest import TestCase, mock
from urllib.parse import urlsplit

from production import database, logs, mails


def record(level=logging.ERROR, message="it broke", error=None, **extra):
    made = logging.LogRecord("test", level, "file.py", 1, message, (), (type(error), error, error.__traceback__) if error else None)
    made.__dict__.update(extra)
    return made


REQUEST = SimpleNamespace(id="id-7", method="GET", get_full_path=lambda: "/?q=1")


class LogTest(TestCase):
    def test_a_record_is_one_line(self):
        line = logs.JSONFormatter().format(record(logging.WARNING, "two\nlines", ValueError("bad"), request=REQUEST, fields={"n": 1}))
        self.assertNotIn("\n", line)
        got = json.loads(line)
        self.assertRegex(got.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertEqual(got, {"level": "WARNING", "logger": "test", "message": "two\nlines", "method": "GET", "uri": "/?q=1",
                               "request_id": "id-7", "n": 1, "exception": "ValueError: bad"})

    def test_setup(self):
        root = logging.Logger("root")
        with mock.patch("logging.getLogger", return_value=root):
            logs.setup(SimpleNamespace(log_level="WARNING", syslog_url=urlsplit("udp://localhost:9"), syslog_facility="daemon"))
        self.assertEqual((root.level, len(root.handlers), root.handlers[1].facility), (logging.WARNING, 2, 3))


class SyslogTest(TestCase):
    FRAME = re.compile(r"(\d+ )?(<131>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ polls \d+ - - it broke)")

    def send(self, url):
        handler = logs.SyslogHandler(urlsplit(url), 16)
        handler.emit(record())
        handler.close()

    def test_datagrams(self):
        with tempfile.TemporaryDirectory() as folder:
            for family, at in [(socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, folder + "/log")]:
                with socket.socket(family, socket.SOCK_DGRAM) as collector:
                    collector.bind(at)
                    collector.settimeout(2)
                    self.send(f"unix://{at}" if family == socket.AF_UNIX else "udp://127.0.0.1:%d" % collector.getsockname()[1])
                    self.assertRegex(collector.recv(9000).decode(), "^" + self.FRAME.pattern + "$")

    def test_tcp_counts_octets(self):
        with socket.create_server(("127.0.0.1", 0)) as collector:
            self.send("tcp://127.0.0.1:%d" % collector.getsockname()[1])
            match = self.FRAME.fullmatch(collector.accept()[0].recv(9000).decode())
            self.assertEqual(int(match[1]), len(match[2]))

    def test_losses_are_counted_and_nobody_waits(self):
        handler, begin, told = logs.SyslogHandler(urlsplit("unix:///nowhere/log"), 1, capacity=10), time.monotonic(), io.StringIO()
        with redirect_stderr(told):
            for _ in range(50):
                handler.emit(record())
            self.assertLess(time.monotonic() - begin, 0.5)
            handler.close()
        counts = [json.loads(line)["count"] for line in told.getvalue().splitlines()]
        self.assertEqual(sum(counts), 50)

    def test_severities(self):
        handler = logs.SyslogHandler(urlsplit("unix:///nowhere/log"), 2)
        got = [handler.frame(level, 0, "x" * 9000)[:4].decode() for level in ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]]
        self.assertEqual(got, ["<23>", "<22>", "<20>", "<19>", "<18>"])
        self.assertLess(len(handler.frame("INFO", 0, "x" * 9000)), 8200)


class Post:
    """Records mails, and refuses them while it is down."""

    def __init__(self):
        self.mails, self.down = [], False

    def __call__(self, subject, text):
        if self.down:
            raise OSError("no mail today")
        self.mails.append((subject, text))

    def wait(self, count):
        deadline = time.monotonic() + 5
        while len(self.mails) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.mails


class MailTest(TestCase):
    def test_mails_are_few_and_exact(self):
        post = Post()
        mailer = mails.Mailer(post, window=0.6)
        mailer.report("first", "trace 1")
        self.assertEqual(post.wait(1), [("first", "Errors in this mail: 1. Errors since the start: 1.\n\nfirst\n\ntrace 1\n")])
        for i in range(299):
            mailer.report("ab"[i % 2], "trace")
        self.assertEqual(len(post.mails), 1)
        subject, text = post.wait(2)[1]
        self.assertEqual(subject, "299 errors, such as a")
        self.assertEqual(text, "Errors in this mail: 299. Errors since the start: 300.\n\na\n\ntrace\n\nb\n\ntrace\n")
        for i in range(20):
            mailer.report(f"kind {i}", "trace")
        mailer.stop()
        self.assertEqual(post.mails[2][0], "20 errors, such as kind 0")
        self.assertIn("Errors in this mail: 20. Errors since the start: 320.\n", post.mails[2][1])
        self.assertEqual(post.mails[2][1].count("trace"), mails.KINDS)

    def test_a_dead_server_loses_no_count(self):
        post = Post()
        post.down = True
        mailer = mails.Mailer(post, window=0.3)
        with self.assertLogs("production.mails", "WARNING"):
            mailer.report("one", "trace 1")
            time.sleep(0.1)
        mailer.report("two", "trace 2")
        post.down = False
        post.wait(1)
        mailer.stop()
        self.assertEqual(post.mails, [("2 errors, such as one", "Errors in this mail: 2. Errors since the start: 2.\n\none\n\ntrace 1\n\ntwo\n\ntrace 2\n")])

    def test_processes_count_together(self):
        counts = mails.Counts()
        children = []
        for _ in range(3):
            pid = os.fork()
            if not pid:
                for _ in range(100):
                    with counts.locked() as values:
                        values[0] += 1
                os._exit(0)
            children.append(pid)
        for pid in children:
            os.waitpid(pid, 0)
        with counts.locked() as values:
            self.assertEqual(values, [300, 0, 0.0])

    def test_the_handler_reports_the_trace(self):
        reports = []
        handler = mails.MailHandler(SimpleNamespace(report=lambda *args: reports.append(args)))
        try:
            raise ValueError("bad")
        except ValueError as error:
            handler.emit(record(error=error, request=REQUEST))
        handler.emit(record(message="plain"))
        self.assertEqual(handler.level, logging.ERROR)
        self.assertEqual(reports[0][0], "it broke: ValueError: bad")
        self.assertRegex(reports[0][1], r"^GET /\?q=1\nrequest id-7\n\nTraceback [\s\S]*test_production.py[\s\S]*\nValueError: bad$")
        self.assertEqual(reports[1], ("plain: plain", "plain"))

    def test_smtp(self):
        with mock.patch("smtplib.SMTP") as server:
            mails.smtp(urlsplit("smtp://post:2525"), ["a@b.c", "d@e.f"])("new\nline", "text")
            mails.smtp(urlsplit("smtp://me:pass@post"), ["a@b.c"])("subject", "text")
        self.assertEqual(server.call_args_list[0], mock.call("post", 2525, local_hostname="localhost", timeout=4))
        session = server.return_value.__enter__.return_value
        sender, to, message = session.sendmail.call_args_list[0].args
        self.assertEqual((sender, to), ("polls@localhost", ["a@b.c", "d@e.f"]))
        self.assertIn(b"To: a@b.c, d@e.f\nSubject: [polls] new line\n", message)
        self.assertTrue(message.endswith(b"\n\ntext\n"))
        session.starttls.assert_called_once_with()
        session.login.assert_called_once_with("me", "pass")


class DatabaseTest(TestCase):
    def test_settings(self):
        with mock.patch("production.database.limit_postgres") as limit:
            got = database.settings(urlsplit("postgres://me:p%40ss@db:6000/polls?sslmode=disable"))
        limit.assert_called_once_with()
        self.assertEqual(got, {"ENGINE": "django.db.backends.postgresql", "HOST": "db", "PORT": 6000, "NAME": "polls", "USER": "me",
                               "PASSWORD": "p@ss", "OPTIONS": {"sslmode": "disable"}})
        self.assertEqual(database.settings(urlsplit("sqlite:/x/y.db")), {"ENGINE": "django.db.backends.sqlite3", "NAME": "/x/y.db"})

    def test_a_database_that_says_nothing_is_given_up(self):
        import psycopg2
        self.addCleanup(psycopg2.extensions.set_wait_callback, None)
        database.limit_postgres()
        with socket.create_server(("127.0.0.1", 0)) as silent, mock.patch("production.database.PATIENCE", 0.2):
            begin = time.monotonic()
            with self.assertRaisesRegex(psycopg2.OperationalError, "did not answer within 0.2 s"):
                psycopg2.connect(host="127.0.0.1", port=silent.getsockname()[1], user="me", dbname="polls", sslmode="disable")
            self.assertLess(time.monotonic() - begin, 2)
