"""Traces of Python, each between two marks; see record.py."""
import asyncio, json, logging, os, random, sys, threading, traceback, warnings

STYLES = {
    "plain": None,
    "basic": "%(levelname)s:%(name)s:%(message)s",
    "time": "%(asctime)s %(levelname)s %(name)s: %(message)s",
    "gunicorn": "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s",
}
style = os.environ["TRACE_STYLE"]
logging.basicConfig(format=STYLES[style] or "%(message)s", level=logging.DEBUG, stream=sys.stderr)
app = logging.getLogger("shop.app")
logging.getLogger("asyncio").setLevel(logging.INFO)
rng = random.Random(7)


def mark(word, name=""):
    sys.stdout.flush(); sys.stderr.flush()
    with open(os.environ["TRACE_MARKS"], "a") as f:
        f.write(f"{word} {os.path.getsize(os.environ['TRACE_LOG'])} {name}\n")


def calm(errors=False):
    lines = ["GET /items/%d 200 in %d ms", "cache filled: %d keys in %d ms", "worker %d ready after %d ms", "no error in %d files of %d", "order %d shipped at %d", "user %d logged in, %d at all"]
    for _ in range(rng.randrange(1, 4)):
        app.log(rng.choice([10, 20, 20, 20]), rng.choice(lines), rng.randrange(1000), rng.randrange(500))
    if errors and STYLES[style] and rng.random() < .4:
        app.error("payment %d failed with Error: card declined", rng.randrange(100))
        app.info("carry on")


class ShopError(Exception): pass
class Missing(LookupError): pass


def deep(n, f): return f() if n == 0 else deep(n - 1, f)
def plain(): raise ValueError("bad value")
def noarg(): raise Missing
def empty(): raise ShopError("")
def key(): return {"a": 1}["b"]
def division(): return [1 / x for x in (1, 0)]
def attribute(): return None.upper()
def lines(): raise ShopError("first line\nsecond line\n  indented: yes\nfourth")
def blank(): raise ShopError("first\n\nafter a blank line")
def tongue(): raise ValueError("größer als 5 — 数 🚚")
def long(): raise RuntimeError("x" * 3000 + " end")
def system(): open("/nonexistent/file")
def imports(): import no_such_module
def syntax(): compile("def f(:\n  pass", "settings.py", "exec")
def indent(): exec("def f():\nreturn 1")
def recursion(): return recursion()
def unicode_(): b"\xff".decode()
def assertion(): assert 1 == 2, "one is not two"
def interrupt(): raise KeyboardInterrupt
def lambdas(): (lambda x: x.y)(1)
def generator(): return next(x / 0 for x in (1,))
def jsons(): json.loads("{nope")
def local():
    class Inner(Exception): pass
    raise Inner("in a function")
def cause():
    try: key()
    except KeyError as e: raise ShopError("cannot load") from e
def context():
    try: key()
    except KeyError: attribute()
def three():
    try: cause()
    except ShopError: raise Missing("again")
def causelines():
    try: lines()
    except ShopError as e: raise ValueError("outer") from e
def group():
    errors = []
    for f in (plain, key, tongue):
        try: f()
        except Exception as e: errors.append(e)
    raise ExceptionGroup("several", errors)
def nested():
    try: group()
    except ExceptionGroup as e: raise ExceptionGroup("outer", [e, OSError("disk")])
def groupcause():
    try: group()
    except ExceptionGroup as e: raise ShopError("many failed") from e
def bare(): raise ExceptionGroup("no frames within", [ValueError("a"), TypeError("b")])
def note():
    e = ShopError("with notes"); e.add_note("note one"); e.add_note("  note two, indented"); raise e
def traced(): raise ShopError("inner text:\n" + "".join(traceback.format_list(traceback.extract_stack()[-1:])))
def carets(): return int("1") + {"a": {"b": None}}["a"]["b"]["c"]
async def task(): await asyncio.sleep(0); plain()


KINDS = {f.__name__: f for f in (plain, noarg, empty, key, division, attribute, lines, blank, tongue, long, system, imports, syntax, indent, recursion, unicode_, assertion,
    lambdas, generator, jsons, local, cause, context, three, causelines, group, nested, groupcause, bare, note, carets)}


def logged(f):
    try: deep(rng.randrange(0, 7), f)
    except Exception: app.exception("request %d failed", rng.randrange(99))
def critical(f):
    try: deep(1, f)
    except Exception: app.critical("two\nlines of text", exc_info=True)
def printed(f):
    try: deep(2, f)
    except Exception: traceback.print_exc()
def formatted(f):
    try: deep(0, f)
    except Exception: app.error(traceback.format_exc().rstrip())
def thread(f):
    t = threading.Thread(target=deep, args=(1, f)); t.start(); t.join()
def jsonline(f):
    try: deep(1, f)
    except Exception: print(json.dumps({"level": "error", "message": "failed", "exc_info": traceback.format_exc()}), file=sys.stderr)
def asynchronous(f):
    async def main():
        t = asyncio.ensure_future(task()); await asyncio.sleep(.01); del t
    asyncio.run(main())
def ignored(f):
    class Gone:
        def __del__(self): f()
    g = Gone(); del g


def cases():
    emitters = {"plain": [printed, thread, jsonline], "basic": [logged, critical, ignored], "time": [logged, printed, thread, jsonline], "gunicorn": [logged, formatted]}[style]
    for e in emitters:
        for k in KINDS:
            if e is logged or (hash_(e.__name__ + k) % 3) == 0: yield f"{e.__name__}-{k}"
    if style == "basic": yield "asynchronous-plain"
    for k in KINDS:
        if hash_(style + k) % 3 == 0: yield f"die-{k}"
def hash_(text): return sum(ord(c) * (i + 3) for i, c in enumerate(text))


def run(name):
    emitter, kind = name.split("-")
    calm()
    app.info("now %s", name.replace("-", " "))
    mark("begin", name)
    if emitter == "die": deep(rng.randrange(0, 4), KINDS[kind])
    globals()[emitter](KINDS[kind])
    mark("end")
    calm(errors=True)
    app.info("behind")


if sys.argv[1] == "list": print("\n".join(cases()))
else:
    for name in sys.argv[1:]: run(name)
