"""Gunicorn with the application's own settings and log."""
import time

from gunicorn.glogging import Logger

from production.settings import CONFIG

bind = f":{CONFIG.port}"
workers = CONFIG.web_concurrency
worker_class = "sync"
worker_tmp_dir = "/dev/shm"
preload_app = True  # one start finds out whether it can run, and the workers count errors together
graceful_timeout = 25


class logger_class(Logger):
    """Writes to the application's log, at its level."""

    def setup(self, cfg):
        self.error_log.propagate = True


def worker_exit(server, worker):
    """Answer what the kernel has accepted by now; gunicorn would drop it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            worker.accept(worker.sockets[0])
        except BlockingIOError:
            break
