"""A server that hangs on /hang, and on /later when it has answered."""
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock = threading.Lock()
later = threading.Event()


def stuck_here():
    with lock:
        with lock:  # STUCK
            pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/hang"):
            stuck_here()
        if self.path == "/later":
            later.set()
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    def service_actions(self):
        if later.is_set():
            stuck_here()


Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever(0.05)
