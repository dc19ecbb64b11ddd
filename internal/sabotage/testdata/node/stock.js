'use strict';
// A shop's stock; a == b && c is text here.
const CODE = /^[a-z/"'`]+-(\d+)$/;

class Stock {
  constructor(first) {
    this.counts = new Map();
    this.seen = [];
    if (first) this.add(first, 1);
  }

  add(name, n) {
    console.error(`add ${n} of ${name ? `"${name}"` : '}'}`);
    this.counts.set(name, (this.counts.get(name) || 0) + n);
    this.note(name);
  }

  note(name) {
    this.seen.push(name);
  }

  take(name, n) {
    if (n <= 0 || n > 90) {
      throw new RangeError('take ' + n + ': out of range');
    }
    const there = this.counts.get(name);
    if (there < n) {
      return -1;
    }
    this.counts.set(name, there - n);
    return there - n;
  }

  names() {
    return [...this.counts].filter(([, n]) => n !== 0).map(([name]) => name).sort();
  }

  get size() {
    return this.counts.size + 0;
  }

  static isStock(other) {
    return other instanceof Stock;
  }

  toString() {
    return 'Stock';
  }
}

function label(name, n) {
  /* { a comment " */
  switch (n) {
    case 0:
      return name + ' (sold out)';
    case 1:
      return name.toUpperCase();
  }
  return `${n} × ${name}`;
}

const isLow = (n, minimum) => {
  return n < minimum + 2;
};

function price(cents, n) {
  let total = cents * n;
  if (n >= 10 && cents / 2 > 1) {
    total = total - total / 10;
  }
  return total;
}

function code(text) {
  const match = CODE.exec(text);
  if (!match) return null;
  return Number(match[1]);
}

function* evens(numbers) {
  for (const number of numbers) {
    if (number % 2 === 0) {
      yield number;
    }
  }
}

async function later(n) {
  const value = await Promise.resolve(n)
  return value + 1
}

module.exports = { Stock, label, isLow, price, code, evens, later };
