"""The log: each record is one line of JSON on standard output, and goes to syslog."""
import collections
import json
import logging
import os
import select
import socket
import sys
import threading
from datetime import datetime, timezone

from .config import FACILITIES

SEVERITIES = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}  # RFC 5424, section 6.2.1


def setup(config):
    """Send what has the level or more to standard output and to syslog, where there is one."""
    root = logging.getLogger()
    root.setLevel(config.log_level)
    handlers = [logging.StreamHandler(sys.stdout)]
    if config.syslog_url:
        handlers.append(SyslogHandler(config.syslog_url, FACILITIES.index(config.syslog_facility)))
    for handler in handlers:
        handler.setFormatter(JSONFormatter())
        root.addHandler(handler)


class JSONFormatter(logging.Formatter):
    """Makes one line of a record."""

    def format(self, record):
        line = {"time": timestamp(record.created), "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        request = getattr(record, "request", None)
        if hasattr(request, "id"):
            line |= {"method": request.method, "uri": request.get_full_path(), "request_id": request.id}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def timestamp(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class SyslogHandler(logging.Handler):
    """Sends records to syslog from a bounded queue, on a thread of its own.

    Who logs never waits, and what does not fit into the queue is counted.
    Each process that was forked has its own queue and thread.
    """

    def __init__(self, url, facility, capacity=1000):
        super().__init__()
        self.url, self.facility, self.capacity = url, facility, capacity
        self.host = socket.gethostname() or "-"
        self.reset()
        os.register_at_fork(before=lambda: self.sending.acquire(), after_in_parent=lambda: self.sending.release(), after_in_child=self.reset)

    def reset(self):
        self.queue, self.lost, self.sock, self.thread = collections.deque(), 0, None, None
        self.ready, self.stopping = threading.Condition(), threading.Event()
        self.sending = threading.Lock()  # no fork meanwhile: the C library has locks of its own

    def emit(self, record):
        frame = self.frame(record.levelname, record.created, self.format(record))
        with self.ready:
            if len(self.queue) >= self.capacity:
                self.lost += 1
                return
            self.queue.append(frame)
            if not self.thread:
                self.thread = threading.Thread(target=self.run, daemon=True)
                self.thread.start()
            self.ready.notify()

    def frame(self, level, created, text):
        """Return a record as RFC 5424 has it."""
        priority = self.facility * 8 + SEVERITIES.get(level, 6)
        return f"<{priority}>1 {timestamp(created)} {self.host} polls {os.getpid()} - - ".encode() + text.encode()[:8000]

    def run(self):
        while True:
            with self.ready:
                self.ready.wait_for(lambda: self.queue or self.stopping.is_set())
                if not self.queue:
                    break
                frame = self.queue.popleft()
            while not self.send(frame):
                if self.stopping.wait(0.25):
                    self.lost += 1
                    break
            self.tell_losses()
        self.tell_losses()

    def tell_losses(self):
        """Say how many records were lost since the last time."""
        with self.ready:
            count, self.lost = self.lost, 0
        if count:
            text = json.dumps({"level": "WARNING", "message": "syslog records lost", "count": count})
            print(text, file=sys.stderr, flush=True)
            self.send(self.frame("WARNING", datetime.now().timestamp(), text))

    def send(self, frame):
        """Send a frame, over TCP with its length in front (RFC 6587); tell whether that worked."""
        tcp = self.url.scheme == "tcp"
        with self.sending:
            try:
                if self.sock and tcp and select.select([self.sock], [], [], 0)[0]:
                    raise ConnectionError("a collector says nothing; it is gone")
                self.sock = self.sock or self.connect()
                self.sock.sendall(b"%d %s" % (len(frame), frame) if tcp else frame)
                return True
            except OSError:
                if self.sock:
                    self.sock.close()
                self.sock = None
                return False

    def connect(self):
        if self.url.scheme == "tcp":
            return socket.create_connection((self.url.hostname, self.url.port or 514), timeout=1)
        family, target = socket.AF_UNIX, self.url.path
        if self.url.scheme == "udp":
            family, _, _, _, target = socket.getaddrinfo(self.url.hostname, self.url.port or 514, type=socket.SOCK_DGRAM)[0]
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.settimeout(1)
        sock.connect(target)
        return sock

    def close(self):
        """Send what is queued, or count it as lost; called at the exit."""
        with self.ready:
            self.stopping.set()
            self.ready.notify()
        if self.thread:
            self.thread.join(3)
        super().close()
