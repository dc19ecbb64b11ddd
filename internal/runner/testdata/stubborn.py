"""A server that ignores SIGTERM."""
import os
import signal
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args):
        pass


shared = "LISTEN_FDS" in os.environ
server = ThreadingHTTPServer(("127.0.0.1", 0 if shared else int(os.environ["PORT"])), Handler)
if shared:
    server.socket = socket.socket(fileno=3)
print("stubborn as a mule", flush=True)
server.serve_forever()
