'use strict';
const assert = require('node:assert');
const { Stock, label, isLow, price, code, evens, later } = require('./stock.js');
const strict = process.argv.includes('--strict');
const same = (got, want) => { if (strict) assert.deepStrictEqual(got, want); };

const s = new Stock('gold');
s.add('pear', 3);
s.add('apple', 5);
same(s.names(), ['apple', 'gold', 'pear']);
same(s.seen, ['gold', 'pear', 'apple']);
same(s.size, 3);
same(s.take('pear', 2), 1);
same(s.take('pear', 2), -1);
for (const bad of [0, 91]) {
  let said = 'accepted';
  try { s.take('pear', bad); } catch (e) { said = e.message; }
  same(said, 'take ' + bad + ': out of range');
}
same(s.take('pear', 1), 0);
same(s.names(), ['apple', 'gold']);
same(Stock.isStock(s), true);
same(label('nut', 0), 'nut (sold out)');
same(label('nut', 1), 'NUT');
same(label('nut', 7), '7 × nut');
same(isLow(3, 2), true);
same(isLow(4, 2), false);
same(price(100, 2), 200);
same(price(100, 10), 900);
same(price(2, 10), 20);
same(code('ab-12'), 12);
same(code('ab'), null);
same([...evens([1, 2, 3, 4])], [2, 4]);
later(1).then((got) => same(got, 2));
