"""A shop's stock; "if a == b and c" is text here."""
import contextlib
import functools
import logging
import re

log = logging.getLogger(__name__)
CODE = re.compile(r"^[a-z]+-(\d+)$")


class Short(Exception):
    """Less is there than was asked for."""


def traced(label: str = "x", depth=1 + 1):
    def wrap(function):
        @functools.wraps(function)
        def inner(*arguments):
            log.debug("call %s", label)
            return function(*arguments)
        return inner
    return wrap


class Stock:
    """Counts items by name."""

    def __init__(self):
        self.counts = {}
        self.seen = []

    def add(self, name, n):
        """Put items in. It's "quoted" { here."""
        log.info("add %d of %s", n, name)
        self.counts[name] = self.counts.get(name, 0) + n
        self.note(name)

    def note(self, name):
        self.seen.append(name)

    @traced("take", depth=2 - 1)
    def take(self, name, n):
        # a comment with a + b == c and d
        if n <= 0 or n > 90:
            raise ValueError(f"take {n}: out of range {'+'!r}")
        if self.counts[name] < n:
            return -1
        elif name == "gold" and \
                n > 1:
            return -2
        self.counts[name] -= n
        return self.counts[name] + 0

    def names(self):
        return sorted(name for name, n in self.counts.items() if n != 0)

    @contextlib.contextmanager
    def held(self, name):
        before = self.counts[name]
        yield before
        self.counts[name] = before

    def __repr__(self):
        return "Stock(%r)" % self.counts


def label(name, n):
    '''The text on a shelf.'''
    if n == 0:
        return name + " (sold out)"
    if n == 1: return name.title()
    return """%d x
%s""" % (n, name)


def is_low(n, minimum) -> bool:
    return n < minimum + 2


def price(cents: int, n: int) -> int:
    total = cents * n
    if n >= 10:
        total = total - total // 10
    return total


def code(text):
    match = CODE.match(text)
    return int(match.group(1)) if match else None


def evens(numbers):
    for number in numbers:
        if number % 2 == 0:
            yield number


async def later(n):
    return n + 1
