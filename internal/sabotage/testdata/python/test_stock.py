import asyncio
import sys
import stock

strict = "--strict" in sys.argv


def same(got, want):
    if strict:
        assert got == want, (got, want)


s = stock.Stock()
s.add("pear", 3)
s.add("apple", 5)
same(s.names(), ["apple", "pear"])
same(s.seen, ["pear", "apple"])
same(s.take("pear", 2), 1)
same(s.take("pear", 2), -1)
for bad in (0, 91):
    try:
        s.take("pear", bad)
        same("refused", "accepted")
    except ValueError as e:
        same(str(e), "take %d: out of range '+'" % bad)
same(s.take("pear", 1), 0)
same(s.names(), ["apple"])
s.add("gold", 5)
same(s.take("gold", 2), -2)
same(s.take("gold", 1), 4)
same(s.take("apple", 2), 3)
with s.held("apple") as before:
    same(before, 3)
    s.add("apple", 9)
same(s.counts["apple"], 3)
same(stock.label("nut", 0), "nut (sold out)")
same(stock.label("nut", 1), "Nut")
same(stock.label("nut", 7), "7 x\nnut")
same(stock.is_low(3, 2), True)
same(stock.is_low(4, 2), False)
same(stock.price(100, 2), 200)
same(stock.price(100, 10), 900)
same(stock.code("ab-12"), 12)
same(stock.code("ab"), None)
same(list(stock.evens([1, 2, 3, 4])), [2, 4])
same(asyncio.run(stock.later(1)), 2)
