"""A server that numbers its lines, and writes each of them in two halves."""
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) or b"hello"
        if self.path.startswith("/slow"):
            time.sleep(float(self.path[5:]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args):
        pass


def count():
    number = 0
    while True:
        line = b"line %d %d\n" % (os.getpid(), number)
        os.write(1, line[:5])
        time.sleep(0.001)
        os.write(1, line[5:])
        number += 1


threading.Thread(target=count, daemon=True).start()
if "LISTEN_FDS" in os.environ:
    import socket
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.socket = socket.socket(fileno=3)
    server.server_name, server.server_port = "localhost", 0
else:
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.serve_forever()
