"""A server that tells who asks for its first page, and that does not answer
there as long as the file STUCK exists: its database is away."""
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            print("asked by " + self.headers.get("User-Agent", ""), flush=True)
            while os.path.exists(os.environ["STUCK"]):
                time.sleep(0.02)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    do_POST = do_GET

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
