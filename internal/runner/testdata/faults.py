"""A server with as many kinds of faults as are asked for."""
import os
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def kind(number):
    """Faults of one kind have their functions and their message in common."""
    source = f"def fault_{number}(request):\n    raise ValueError('fault {number} of request ' + str(request))\n"
    scope = {}
    exec(compile(source, os.path.join(os.getcwd(), f"fault_{number}.py"), "exec"), scope)
    return scope[f"fault_{number}"]


kinds = [kind(number) for number in range(32)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, body = 200, b"hello"
        if self.path.startswith("/fault/"):
            try:
                kinds[int(self.path.split("/")[2].split("?")[0])](id(self))
            except ValueError:
                os.write(2, traceback.format_exc().encode())
                status, body = 500, b"broken"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
