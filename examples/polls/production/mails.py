"""Error mails: the first at once, then, while there are more, one summary per window.

The workers count together, in memory that they share since before they were
forked, so that the numbers are those of the whole application. A worker that
dies takes nothing with it but its own traces.
"""
import atexit
import fcntl
import logging
import mmap
import os
import smtplib
import struct
import threading
import time
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote

KINDS = 10  # how many different errors a mail describes


class Counts:
    """Numbers that processes share: unsent and total errors, and when the next mail may go."""

    LAYOUT = struct.Struct("qqd")

    def __init__(self):
        self.file = os.memfd_create("errors")
        os.ftruncate(self.file, self.LAYOUT.size)
        self.memory = mmap.mmap(self.file, self.LAYOUT.size)
        self.reset()
        os.register_at_fork(after_in_child=self.reset)

    def reset(self):
        self.threads = threading.Lock()  # lockf tells processes apart, not threads

    @contextmanager
    def locked(self):
        """Yield [unsent, total, next] to be changed. The kernel frees the lock of a process that dies."""
        with self.threads:
            fcntl.lockf(self.file, fcntl.LOCK_EX)
            try:
                values = list(self.LAYOUT.unpack_from(self.memory))
                yield values
                self.LAYOUT.pack_into(self.memory, 0, *values)
            finally:
                fcntl.lockf(self.file, fcntl.LOCK_UN)


class Mailer:
    """Mails errors from a thread of its own, so that no request waits for the mail server."""

    def __init__(self, send, window=5.0):
        self.send, self.window, self.counts = send, window, Counts()
        self.reset()
        os.register_at_fork(before=lambda: self.sending.acquire(), after_in_parent=lambda: self.sending.release(), after_in_child=self.reset)

    def reset(self):
        self.sending = threading.Lock()  # no fork meanwhile: the C library has locks of its own
        self.traces, self.lock, self.thread = {}, threading.Lock(), None  # traces by subject
        self.wake, self.stopping = threading.Event(), threading.Event()

    def report(self, subject, trace):
        with self.counts.locked() as values:
            values[0] += 1
            values[1] += 1
        with self.lock:
            if subject in self.traces or len(self.traces) < KINDS:
                self.traces[subject] = trace
            if not self.thread:
                self.thread = threading.Thread(target=self.run, daemon=True)
                self.thread.start()
                atexit.register(self.stop)
        self.wake.set()

    def run(self):
        while not self.stopping.is_set():
            self.wake.wait()
            self.wake.clear()
            while not self.mail() and not self.stopping.wait(0.1):
                pass
        self.mail(last=True)

    def mail(self, last=False):
        """Send what all workers have counted, if it is time; tell whether nothing is left to send."""
        with self.counts.locked() as values:
            count, total, due = values
            if count and time.time() < due and not last:
                return False
            if count:
                values[0], values[2] = 0, time.time() + self.window
        with self.lock:
            traces, self.traces = self.traces, {}
        if not count:
            return True  # another worker has sent it
        try:
            with self.sending:
                self.send(*summary(traces, count, total))
        except (OSError, smtplib.SMTPException) as error:
            logging.getLogger(__name__).warning("error mail not sent: %s", error)
            with self.counts.locked() as values:
                values[0] += count
            with self.lock:
                self.traces = {**traces, **self.traces}
            return False
        return True

    def stop(self):
        self.stopping.set()
        self.wake.set()
        self.thread.join(5)


def summary(traces, count, total):
    """Return the subject and the text of a mail."""
    first = next(iter(traces), "in another worker")
    subject = first if count == 1 else f"{count} errors, such as {first}"
    parts = [f"Errors in this mail: {count}. Errors since the start: {total}.\n"]
    parts += [f"{subject}\n\n{trace}\n" for subject, trace in traces.items()]
    return subject, "\n".join(parts)


class MailHandler(logging.Handler):
    """Reports each record of an error."""

    def __init__(self, mailer):
        super().__init__(logging.ERROR)
        self.mailer = mailer

    def emit(self, record):
        request, where = getattr(record, "request", None), ""
        if hasattr(request, "id"):
            where = f"{request.method} {request.get_full_path()}\nrequest {request.id}\n\n"
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else record.getMessage()
        self.mailer.report(f"{record.getMessage()}: {trace.splitlines()[-1]}", where + trace)


def smtp(url, recipients, sender="polls@localhost"):
    """Return a function that sends a mail by smtp:// or smtps://; a user logs in, over TLS."""
    def send(subject, text):
        message = EmailMessage()
        message["From"], message["To"] = f"Polls <{sender}>", ", ".join(recipients)
        message["Subject"] = "[polls] " + "".join(c if c.isprintable() else " " for c in subject)[:150]
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="polls.localhost")
        message.set_content(text)
        kind = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
        with kind(url.hostname, url.port or 0, local_hostname="localhost", timeout=4) as server:
            if url.username:
                if url.scheme == "smtp":
                    server.starttls()
                server.login(unquote(url.username), unquote(url.password or ""))
            server.sendmail(sender, recipients, message.as_bytes())
    return send
