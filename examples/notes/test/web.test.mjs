import assert from 'node:assert/strict';
import {once} from 'node:events';
import http from 'node:http';
import {after, before, beforeEach, describe, test} from 'node:test';

import {Health} from '../health.mjs';
import {Sessions} from '../sessions.mjs';
import {Web} from '../web.mjs';
import {settle, watch} from '../worker.mjs';

/** Notes in memory, which can be broken. */
class FakeNotes {
  list = [];
  async add(author, text) { this.list.unshift({author, text, written: new Date(0)}); }
  async latest(n) {
    if (this.error) throw this.error;
    return this.list.slice(0, n);
  }
}

/** Redis in memory. */
class FakeRedis {
  store = new Map();
  on() { return this; }
  async get(key) { return this.store.get(key) ?? null; }
  async set(key, value, unit, seconds) { this.store.set(key, value); this.last = [unit, seconds]; }
}

const log = {records: []};
for (const level of ['debug', 'info', 'warning', 'error']) log[level] = (message, fields) => log.records.push({level, message, ...fields});

const redis = new FakeRedis(), reports = [];
const web = new Web({title: 'Tea & Notes', statusToken: 'token', notes: null, sessions: new Sessions(null, 'key', log, () => redis),
  health: new Health({}, log), log, report: (...error) => reports.push(error)});
const server = http.createServer((request, response) => web.handle(request, response));
let base, cookie;

before(() => new Promise((resolve) => server.listen(0, '127.0.0.1', () => {
  base = `http://127.0.0.1:${server.address().port}`;
  resolve();
})));
after(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  web.notes = new FakeNotes();
  log.records.length = reports.length = 0;
  cookie = '';
});

async function send(path, {form, ...options} = {}) {
  const response = await fetch(base + path, {redirect: 'manual', ...options, method: form ? 'POST' : options.method,
    body: form && new URLSearchParams(form), headers: {cookie, ...options.headers}});
  cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie;
  return {status: response.status, headers: response.headers, body: await response.text()};
}

describe('guests', () => {
  test('keep notes under their names', async () => {
    assert.match((await send('/')).body, /<h1>Tea &amp; Notes<\/h1>[\s\S]*value=""[\s\S]*Nothing is written down yet/);
    const named = await send('/name', {form: {name: '  Ada <3 '}});
    assert.deepEqual([named.status, named.headers.get('location')], [303, '/']);
    assert.match(named.headers.get('set-cookie'), /^session=[\w-]{24}\.[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/);
    assert.deepEqual(redis.last, ['EX', 2592000]);
    assert.equal((await send('/notes', {form: {text: "<b>it's</b>"}})).status, 303);
    const {body} = await send('/');
    assert.match(body, /<li><p>&lt;b&gt;it&#39;s&lt;\/b&gt;<\/p><small>Ada &lt;3, 1 January 1970<\/small><\/li>/);
    assert.match(body, /value="Ada &lt;3"[\s\S]*>Change</);
    assert.doesNotMatch(body, /Nothing is written/);
  });

  test('may be strangers, but not say nothing', async () => {
    await send('/notes', {form: {text: 'x'.repeat(1500)}});
    assert.deepEqual([web.notes.list[0].author, web.notes.list[0].text.length], ['Anonymous', 1000]);
    assert.equal((await send('/notes', {form: {text: ' '}})).status, 422);
    assert.equal((await send('/notes', {form: {text: 'x'.repeat(70000)}})).status, 413);
    assert.equal(web.notes.list.length, 1);
  });

  test('keep their session when they change the name', async () => {
    await send('/name', {form: {name: 'Ada'}});
    const first = cookie;
    await send('/name', {form: {name: 'Eve'}, headers: {'x-forwarded-proto': 'https'}});
    assert.equal(cookie, first);
    assert.match((await send('/')).body, /value="Eve"/);
  });

  test('cannot forge a session', async () => {
    await send('/name', {form: {name: 'Ada'}});
    const [id, signature] = cookie.slice('session='.length).split('.');
    const sessions = new Sessions(null, 'other', log, () => redis);
    assert.match((await send('/')).body, /Ada/);
    for (const forged of [id, `${id}.`, `${id}.${sessions.sign(id)}`, `x${id}.${signature}`, `${id}.${signature}x`, `.${signature}`, '']) {
      cookie = `session=${forged}`;
      assert.doesNotMatch((await send('/')).body, /Ada/, forged);
    }
  });

  test('are refused from other sites, and told where nothing is', async () => {
    assert.equal((await send('/name', {form: {name: 'Eve'}, headers: {'sec-fetch-site': 'cross-site'}})).status, 403);
    assert.equal((await send('/unknown')).status, 404);
    assert.equal((await send('/constructor')).status, 404);
    assert.equal((await send('/notes', {method: 'DELETE'})).status, 404);
    const head = await send('/', {method: 'HEAD'});
    assert.deepEqual([head.status, head.body], [200, '']);
    assert.match(head.headers.get('content-security-policy'), /default-src 'none'/);
  });
});

describe('those who run it', () => {
  const trusted = {headers: {authorization: 'Bearer token', 'x-request-id': 'id-7'}};

  test('need the token', async () => {
    const {body: unknown} = await send('/unknown');
    for (const path of ['/status', '/slow', '/fault']) {
      for (const authorization of ['', 'Bearer', 'Bearer toke', 'Bearer tokens', 'Bearer TOKEN', 'token']) {
        const {status, body} = await send(path, {headers: {authorization}});
        assert.deepEqual([status, body], [404, unknown], `${path} ${authorization}`);
      }
    }
    assert.deepEqual((await send('/status', trusted)).body, '{"status":"ok","checks":{}}');
    const begin = Date.now();
    assert.equal((await send('/slow', trusted)).status, 200);
    assert.ok(Date.now() - begin >= 990);
  });

  test('are told about errors, and guests are not', async () => {
    const {status, body, headers} = await send('/fault?q=1', trusted);
    assert.deepEqual([status, body, headers.get('x-request-id')], [500, 'Something went wrong. We have been told.\n', 'id-7']);
    const [subject, trace] = reports[0];
    assert.equal(subject, 'GET /fault: the pencil is broken');
    assert.match(trace, /^GET \/fault\?q=1\nrequest id-7\n\nError: the pencil is broken\n {4}at Web\.fault .*web\.mjs/);
    const [failed, request] = log.records;
    assert.deepEqual([failed.level, failed.message, failed.error, failed.uri, failed.request_id], ['error', 'request failed', 'the pencil is broken', '/fault?q=1', 'id-7']);
    assert.deepEqual([request.level, request.message, request.method, request.status, request.ms < 1000], ['info', 'request', 'GET', 500, true]);
    assert.doesNotMatch(JSON.stringify(log.records), /Bearer/);
  });

  test('see that the notes are away', async () => {
    web.notes.error = new Error('no paper');
    const {status, headers} = await send('/', {headers: {'x-request-id': 'bad id'}});
    assert.equal(status, 500);
    assert.match(headers.get('x-request-id'), /^[0-9a-f-]{36}$/);
    assert.equal(reports[0][0], 'GET /: no paper');
  });
});

test('a worker settles when what it has read is answered', async () => {
  const entered = defer(), leave = defer();
  const other = http.createServer(async (_, response) => {
    entered.resolve();
    await leave.promise;
    response.end('done');
  });
  const state = watch(other);
  await once(other.listen(0, '127.0.0.1'), 'listening');
  const reply = fetch(`http://127.0.0.1:${other.address().port}/`).then((response) => response.text());
  await entered.promise;
  let settled = false;
  const settling = settle(state, 50).then(() => { settled = true; });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual([settled, state.active, state.open], [false, 1, 1]);
  leave.resolve();
  assert.equal(await reply, 'done');
  await settling;
  assert.deepEqual([state.active, state.open], [0, 1]);
  other.close();
  other.closeAllConnections();
});

function defer() {
  const deferred = {};
  deferred.promise = new Promise((resolve) => { deferred.resolve = resolve; });
  return deferred;
}
