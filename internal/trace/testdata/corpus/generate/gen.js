// Traces of Node, each between two marks; see record.py.
'use strict';
const fs = require('fs');
const style = process.env.TRACE_STYLE;
const mark = (word, name = '') => fs.appendFileSync(process.env.TRACE_MARKS, `${word} ${fs.statSync(process.env.TRACE_LOG).size} ${name}\n`);
let seed = 7;
const rand = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648, seed % n);
function log(level, text) {
  if (style === 'plain') return console.log(text);
  if (style === 'json') return console.log(JSON.stringify({ level: { info: 30, debug: 20, error: 50 }[level], time: Date.now(), pid: process.pid, msg: text }));
  console.log(`${new Date().toISOString()} ${level.toUpperCase()} [shop] ${text}`);
}
function calm(errors) {
  const lines = ['GET /items/# 200 in # ms', 'cache filled: # keys', 'listening at port #', 'no error in # files', 'job # done { retries: # }'];
  for (let i = rand(3); i >= 0; i--) log(rand(4) ? 'info' : 'debug', lines[rand(lines.length)].replace(/#/g, () => rand(500)));
  if (errors && style !== 'plain' && rand(10) < 4) { log('error', 'payment failed with Error: card declined'); log('info', 'carry on'); }
}
class ShopError extends Error { constructor(m, o) { super(m, o); this.name = 'ShopError'; } }
class NotFound extends Error {}
const deep = (n, f) => (n ? deep(n - 1, f) : f());
const caught = (f) => { try { f(); } catch (e) { return e; } };
const K = {
  plain() { throw new Error('bad value'); },
  empty() { throw new Error(); },
  type() { return null.x; },
  range() { return new Array(-1); },
  reference() { return nowhere; },
  syntax() { return new Function('return {'); },
  json() { return JSON.parse('{nope'); },
  named() { throw new ShopError('cannot load'); },
  notfound() { throw new NotFound('no such item'); },
  lines() { throw new Error('first\nsecond line\n  indented: yes'); },
  blank() { throw new Error('first\n\nafter a blank line'); },
  tongue() { throw new TypeError('größer 数 🚚'); },
  long() { throw new Error('x'.repeat(3000)); },
  cause() { throw new Error('cannot load', { cause: caught(K.type) }); },
  causes() { throw new ShopError('outer', { cause: caught(K.cause) }); },
  causetext() { throw new Error('cannot load', { cause: 'a text' }); },
  causelines() { throw new Error('outer', { cause: caught(K.lines) }); },
  props() { throw Object.assign(new Error('with properties'), { code: 'E_SHOP', detail: { a: 1, list: [1, 2, 3], text: 'two\nlines' } }); },
  system() { fs.readFileSync('/nonexistent'); },
  aggregate() { throw new AggregateError([caught(K.plain), caught(K.type)], 'all failed'); },
  aggregatecause() { throw new AggregateError([caught(K.cause)], 'all failed'); },
  recursion() { return K.recursion(); },
  method() { return new (class Shop { #go() { return [1].map(() => this.nope()); } static run() { return new Shop().#go(); } }).constructor.run(); },
  assertion() { require('assert').strictEqual(1, 2); },
  assertdeep() { require('assert').deepStrictEqual({ a: 1, b: [1] }, { a: 1, b: [2] }); },
  evil() { return eval('nothere()'); },
  coded() { Buffer.alloc('x'); },
  url() { return new URL('::'); },
  text() { throw 'only a text'; },
  object() { throw { code: 3, nested: { deep: [1, 2] } }; },
};
const E = {
  logged(f) { console.error(caught(() => deep(rand(5), f))); },
  headed(f) { console.error('request failed:', caught(() => deep(1, f))); },
  stack(f) { const e = caught(() => deep(1, f)); console.error(`${new Date().toISOString()} ERROR [shop] handler: ${e.stack}`); },
  below(f) { const e = caught(() => deep(2, f)); console.error(`${new Date().toISOString()} ERROR [shop] handler failed\n${e.stack}`); },
  within(f) { console.error('state', { id: 7, err: caught(() => deep(1, f)) }); },
  jsonline(f) { const e = caught(f); console.error(JSON.stringify({ level: 50, time: Date.now(), err: { type: e.name, message: e.message, stack: e.stack }, msg: 'failed' })); },
  warned(f) { console.error(caught(f).stack); },
};
const emitters = { plain: ['logged', 'headed', 'within', 'warned'], time: ['logged', 'stack', 'below'], json: ['jsonline', 'logged'] }[style];
const hash = (t) => [...t].reduce((a, c, i) => a + c.charCodeAt(0) * (i + 3), 0);
function* cases() {
  for (const e of emitters) for (const k of Object.keys(K)) if (!['text', 'object'].includes(k) && (e === emitters[0] || hash(e + k) % 3 === 0)) yield `${e}-${k}`;
  for (const k of Object.keys(K)) for (const d of ['die', 'diereject', 'dieasync', 'dieemit']) if (hash(style + k + d) % 5 === 0 && k !== 'recursion') yield `${d}-${k}`;
}
function run(name) {
  const [emitter, kind] = name.split('-');
  calm(); log('info', 'now ' + emitter + ' ' + kind);
  mark('begin', name);
  switch (emitter) {
    case 'die': return deep(rand(3), K[kind]);
    case 'diereject': Promise.reject(kind === 'text' ? 'text' : caught(K[kind])); return true;
    case 'dieasync': (async () => { await null; deep(1, K[kind]); })(); return true;
    case 'dieemit': new (require('events'))().emit('error', caught(K[kind])); return true;
  }
  E[emitter](K[kind]);
  mark('end');
  calm(true); log('info', 'behind');
}
if (process.argv[2] === 'list') console.log([...cases()].join('\n'));
else for (const name of process.argv.slice(2)) run(name);
