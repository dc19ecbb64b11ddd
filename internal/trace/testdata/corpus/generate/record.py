"""Records the corpus: runs the generators and writes NAME.log and index.txt.

Each generator writes ordinary log lines and traces to the standard output and
error, which are one file, and the size of that file before and after each
trace to a second one: that is the truth, and no detector has a part in it. An
uncaught exception has no mark behind it; there the size at the end of the
process counts. Empty lines at either end of a trace are not counted, for
PHP and Rust write one before each.

    python3 record.py FOLDER_OF_THE_CORPUS [NAME...]

The generators are copied to /srv/tracegen, which must not exist, and run there,
so that the traces do not depend on where the corpus is.
"""
import os, shutil, subprocess, sys

GENERATORS = os.path.dirname(os.path.abspath(__file__))
HERE = "/srv/tracegen"
JARS = ["/usr/share/java/%s.jar" % n for n in ("logback-core", "logback-classic", "slf4j-api", "log4j-api", "log4j-core")]


def builds(folder):
    """Returns the command of each language."""
    run = lambda *a: subprocess.run(a, check=True, cwd=folder)
    classes = ":".join(j for j in JARS if os.path.exists(j))
    return {
        "python": lambda: ["/usr/bin/python3", f"{HERE}/gen.py"],
        "node": lambda: ["node", f"{HERE}/gen.js"],
        "ruby": lambda: ["ruby", f"{HERE}/gen.rb"],
        "php": lambda: ["php", f"{HERE}/gen.php"],
        "go": lambda: (run("env", "CGO_ENABLED=0", "go", "build", "-o", "shop", "gen.go"), [f"{folder}/shop"])[1],
        "rust": lambda: (run("rustc", "-g", "-o", "rshop", "gen.rs"), [f"{folder}/rshop"])[1],
        "java": lambda: (run("javac", "-cp", classes, "-d", folder, "Gen.java"), ["java", "-Xshare:auto", "-cp", f"{folder}:{classes}", "Gen"])[1],
    }


STREAMS = [(l, s) for l, ss in {
    "python": ["plain", "basic", "time", "gunicorn"], "java": ["jul", "logback", "log4j", "plain"], "node": ["plain", "time", "json"],
    "go": ["log", "slog", "json"], "ruby": ["plain", "logger"], "php": ["log", "display", "caught"], "rust": ["plain", "env"]}.items() for s in ss]


def record(name, command, style, out):
    log, marks = f"{out}/{name}.log", f"{out}/{name}.marks"
    for path in (log, marks):
        open(path, "w").close()
    env = dict(os.environ, TRACE_LOG=log, TRACE_MARKS=marks, TRACE_STYLE=style, NO_COLOR="1", LC_ALL="C.UTF-8", TZ="UTC", PYTHONUTF8="1")
    def start(*args):
        with open(log, "ab") as f:
            subprocess.run(command + list(args), stdout=f, stderr=f, stdin=subprocess.DEVNULL, env=env, cwd=HERE, timeout=60)
        lines = open(marks).read().splitlines()
        if lines and lines[-1].startswith("begin"):
            with open(marks, "a") as f:
                f.write(f"end {os.path.getsize(log)}\n")
    names = subprocess.run(command + ["list"], capture_output=True, text=True, env=env, check=True).stdout.split()
    alive = [n for n in names if not n.startswith("die-")]
    if alive:
        start(*alive)
    for n in names:
        if n.startswith("die-"):
            start(n)
    rows = ranges(log, marks, name)
    os.remove(marks)
    return rows


def ranges(log, marks, name):
    data = open(log, "rb").read()
    rows, begin = [], None
    for line in open(marks):
        word, offset, *case = line.split()
        if word == "begin":
            begin = (int(offset), case[0])
            continue
        text = data[begin[0]:int(offset)]
        first = data[:begin[0]].count(b"\n") + 1
        lines = text.removesuffix(b"\n").split(b"\n")
        while lines and not lines[0].strip(): lines, first = lines[1:], first + 1
        while lines and not lines[-1].strip(): lines = lines[:-1]
        if lines:
            rows.append(f"{name}.log {first} {first + len(lines) - 1} {begin[1]}")
    return rows


def main():
    out, only = os.path.abspath(sys.argv[1]), sys.argv[2:]
    index = f"{out}/index.txt"
    rows = open(index).read().splitlines() if os.path.exists(index) else []
    shutil.copytree(GENERATORS, HERE)
    try:
        commands = builds(HERE)
        built = {}
        for language, style in STREAMS:
            name = f"{language}-{style}"
            if only and name not in only and language not in only:
                continue
            built.setdefault(language, None) or built.update({language: commands[language]()})
            rows = [r for r in rows if not r.startswith(f"{name}.log ")] + record(name, built[language], style, out)
            print(name, sum(r.startswith(f"{name}.log ") for r in rows), os.path.getsize(f"{out}/{name}.log"))
    finally:
        shutil.rmtree(HERE)
    open(index, "w").write("\n".join(sorted(rows, key=lambda r: (r.split()[0], int(r.split()[1])))) + "\n")


main()
