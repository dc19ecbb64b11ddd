"""A server that writes as much, and as oddly, as it is asked to."""
import json
import os
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock = threading.Lock()
serial = 0


def write(data, *to):
    for fd in to or (1,):
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest):]


def lines(count, size):
    """Numbered lines; how long their writing took."""
    global serial
    with lock:
        text = ""
        for _ in range(int(count)):
            serial += 1
            text += f"numbered {os.getpid()} {serial} ".ljust(int(size) - 1, "x") + "\n"
        begun = time.monotonic()
        write(text.encode())
        return time.monotonic() - begun


def odd(seed, path):
    """Odd lines to standard output, and to a file as well."""
    chance = random.Random(int(seed))
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    parts = [b"\x00", b"\r", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\x1b[31m", b"Traceback", b"\tat ", b"panic: ", b"{\"level\":", "grün".encode(), b"word ", b" "]
    write(b"BEGIN\n", 1, file)
    for n in range(200):
        line = b"".join(chance.choice(parts) for _ in range(chance.randrange(40)))
        write(line + b"\n", 1, file)
    write(b"a" * (1 << 20) + b"\n", 1, file)
    write(chance.randbytes(3 << 20).replace(b"\n", b"\x00") + b"\n", 1, file)
    write(b"\n\n\nEND\n", 1, file)
    os.close(file)


def burst(seconds, megabytes):
    """So many megabytes a second, in lines of 128 bytes."""
    block = (b"b" * 127 + b"\n") * 8192  # 1 MiB
    begun, slowest, total = time.monotonic(), 0, int(float(seconds) * int(megabytes))
    for n in range(total):
        before = time.monotonic()
        write(block)
        now = time.monotonic()
        slowest = max(slowest, now - before)
        time.sleep(max(0, begun + (n + 1) / int(megabytes) - now))
    return json.dumps({"lines": total * 8192, "seconds": time.monotonic() - begun, "slowest": slowest})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        words = self.path.strip("/").split("/", 2)
        body = "hello"
        if words[0] == "lines":
            body = str(lines(words[1], words[2]))
        elif words[0] == "odd":
            odd(words[1], "/" + words[2])
        elif words[0] == "burst":
            body = burst(words[1], words[2])
        elif words[0] == "tail":
            write(b"a tail without an end")
        body = body.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
