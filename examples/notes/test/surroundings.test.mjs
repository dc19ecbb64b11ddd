import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import {EventEmitter, once} from 'node:events';
import net from 'node:net';
import {describe, mock, test} from 'node:test';

import {Health} from '../health.mjs';
import {DEBUG, ERROR, INFO, Log, WARNING} from '../log.mjs';
import {Mailer, smtp, summary} from '../mail.mjs';
import {Notes, options} from '../notes.mjs';
import {Crew} from '../primary.mjs';
import {Sessions} from '../sessions.mjs';
import {Syslog} from '../syslog.mjs';

/** A stream that keeps its lines. */
class Lines {
  all = [];
  write(text) { this.all.push(text); }
}

const quiet = new Log(ERROR + 1, null, new Lines());
const turns = async () => { for (let i = 0; i < 10; i++) await null; };

test('the log has levels', () => {
  for (const [threshold, want] of [[DEBUG, 'DEBUG INFO WARNING ERROR'], [INFO, 'INFO WARNING ERROR'], [WARNING, 'WARNING ERROR'], [ERROR, 'ERROR']]) {
    const out = new Lines(), sent = [];
    const log = new Log(threshold, {send: (level, time, text) => sent.push([level, text])}, out);
    for (const level of ['debug', 'info', 'warning', 'error']) log[level]('two\nlines', {n: 1});
    assert.equal(out.all.map((line) => JSON.parse(line).level).join(' '), want);
    assert.match(out.all.at(-1), /^\{"time":"\d{4}-\d\d-\d\dT[\d:.]+Z","level":"ERROR","message":"two\\nlines","n":1\}\n$/);
    assert.deepEqual(sent.at(-1), [ERROR, out.all.at(-1).trim()]);
  }
});

describe('syslog', () => {
  const FRAME = /^<131>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ notes \d+ - - hello é$/;

  test('by UDP', async () => {
    const collector = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    await once(collector, 'listening');
    const syslog = new Syslog(new URL(`udp://127.0.0.1:${collector.address().port}`), 16);
    const received = once(collector, 'message');
    syslog.send(ERROR, new Date(), 'hello é');
    assert.match(String((await received)[0]), FRAME);
    await syslog.stop();
    collector.close();
  });

  test('by TCP, and again after the collector was away', async () => {
    const collector = net.createServer().listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const syslog = new Syslog(new URL(`tcp://127.0.0.1:${collector.address().port}`), 16);
    for (let round = 0; round < 2; round++) {
      const connected = once(collector, 'connection');
      syslog.send(ERROR, new Date(), 'hello é');
      const [socket] = await connected;
      const [data] = await once(socket, 'data');
      const [, length, frame] = /^(\d+) (.*)$/.exec(String(data));
      assert.match(frame, FRAME);
      assert.equal(Number(length), Buffer.byteLength(frame));
      socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await syslog.stop();
    collector.close();
  });

  test('counts what is lost, and nobody waits', async () => {
    const stderr = new Lines(), syslog = new Syslog(new URL('tcp://127.0.0.1:1'), 0, stderr);
    const begin = Date.now();
    for (let i = 0; i < 1500; i++) syslog.send(INFO, new Date(), 'x'.repeat(9000));
    assert.ok(Date.now() - begin < 500);
    assert.equal(syslog.queue[0].text.length, 8000);
    assert.deepEqual([DEBUG, INFO, WARNING, ERROR].map((level) => {
      const other = new Syslog(new URL('udp://127.0.0.1:1'), 1, stderr);
      other.busy = Promise.resolve();
      other.send(level, new Date(), '');
      return other.queue[0].priority;
    }), [15, 14, 12, 11]);
    await syslog.stop();
    assert.equal(stderr.all.reduce((sum, line) => sum + JSON.parse(line).count, 0), 1500);
  });
});

describe('error mails', () => {
  test('are few and exact', async () => {
    mock.timers.enable({apis: ['setTimeout']});
    const mails = [], mailer = new Mailer(async (...mail) => { mails.push(mail); }, 5000, quiet);
    mailer.report('first', 'trace 1');
    assert.deepEqual(mails, [['first', 'Errors in this mail: 1. Errors since the start: 1.\n\nfirst\n\ntrace 1\n']]);
    for (let i = 0; i < 299; i++) mailer.report('ab'[i % 2], 'trace');
    mock.timers.tick(4999);
    assert.equal(mails.length, 1);
    mock.timers.tick(1);
    assert.deepEqual(mails[1], ['299 errors, such as a', 'Errors in this mail: 299. Errors since the start: 300.\n\na\n\ntrace\n\nb\n\ntrace\n']);
    for (let i = 0; i < 20; i++) mailer.report(`kind ${i}`, 'trace');
    await mailer.stop();
    assert.equal(mails.length, 3);
    assert.match(mails[2][1], /^Errors in this mail: 20\. Errors since the start: 320\.\n/);
    assert.equal(mails[2][1].match(/trace/g).length, 10);
    mock.timers.reset();
  });

  test('wait for a dead server', async () => {
    mock.timers.enable({apis: ['setTimeout']});
    let down = true;
    const mails = [], mailer = new Mailer(async (...mail) => {
      if (down) throw new Error('no mail today');
      mails.push(mail);
    }, 5000, quiet);
    mailer.report('one', 'trace 1');
    await turns();
    mailer.report('two', 'trace 2');
    down = false;
    mock.timers.tick(5000);
    assert.deepEqual(mails, [['2 errors, such as one', 'Errors in this mail: 2. Errors since the start: 2.\n\none\n\ntrace 1\n\ntwo\n\ntrace 2\n']]);
    mock.timers.tick(5000);
    await mailer.stop();
    assert.equal(mails.length, 1);
    mock.timers.reset();
  });

  test('go to all by SMTP', async () => {
    const made = [], sent = [];
    const connect = (settings) => ({sendMail: async (mail) => { made.push(settings); sent.push(mail); }});
    await smtp(new URL('smtp://post:2525'), ['a@b.c', 'd@e.f'], connect)('s'.repeat(500), 'text');
    await smtp(new URL('smtps://me:p%40ss@post'), ['a@b.c'], connect)('subject', 'text');
    assert.deepEqual([made[0].host, made[0].port, made[0].secure, made[0].ignoreTLS, made[0].auth], ['post', 2525, false, true, undefined]);
    assert.deepEqual([made[1].port, made[1].secure, made[1].requireTLS, made[1].auth], [465, true, true, {user: 'me', pass: 'p@ss'}]);
    assert.deepEqual([sent[0].to, sent[0].subject.length, sent[1].subject, sent[1].text], [['a@b.c', 'd@e.f'], 150, '[notes] subject', 'text']);
    assert.equal(summary(new Map(), 2, 9)[0], '2 errors, such as something');
  });
});

test('health follows the services', async () => {
  let down = false;
  const hanging = new Promise(() => {}), log = {changes: [], warning: (_, fields) => log.changes.push(`${fields.service} ${fields.now}`)};
  const health = new Health({db: async () => { if (down) throw new Error('gone'); }, redis: () => down ? hanging : null}, log, {interval: 10, patience: 30});
  await health.start();
  assert.deepEqual(health.answer(), {code: 200, body: '{"status":"ok","checks":{"db":"ok","redis":"ok"}}'});
  down = true;
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.deepEqual(health.answer(), {code: 503, body: '{"status":"fail","checks":{"db":"fail","redis":"fail"}}'});
  down = false;
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.equal(health.answer().code, 200);
  health.stop();
  assert.deepEqual(log.changes.sort(), ['db fail', 'db ok', 'redis fail', 'redis ok']);
});

/** MariaDB that answers what it is told. */
class FakeDriver {
  statements = [];
  released = 0;
  destroyed = 0;
  createPool(settings) { this.pool = settings; return {getConnection: () => this.createConnection(), end: async () => { this.ended = true; }}; }
  async createConnection() {
    return {
      query: async ({sql, values, timeout}) => {
        this.statements.push([sql.replace(/\s+/g, ' '), values]);
        this.timeout = timeout;
        if (this.error) throw this.error;
        return [[{n: this.answer ?? 0}]];
      },
      release: () => { this.released++; }, destroy: () => { this.destroyed++; },
    };
  }
}

describe('notes', () => {
  const url = new URL('mysql://me:p%40ss@db:3307/my%2Fnotes');

  test('know their database', () => {
    const {host, port, user, password, database, connectTimeout} = options(url);
    assert.deepEqual([host, port, user, password, database, connectTimeout], ['db', 3307, 'me', 'p@ss', 'my/notes', 2000]);
    assert.equal(options(new URL('mysql://db/x')).port, 3306);
  });

  test('are stored and read', async () => {
    const driver = new FakeDriver(), notes = new Notes(url, quiet, driver);
    driver.answer = 7;
    await notes.add('Ada', 'hello');
    assert.equal(await notes.count(), 7);
    await notes.latest(20);
    assert.deepEqual(driver.statements.map(([sql, values]) => [sql.split(' ')[0], values]), [['INSERT', ['Ada', 'hello']], ['SELECT', []], ['SELECT', [20]]]);
    assert.deepEqual([driver.released, driver.destroyed, driver.timeout], [3, 0, 2000]);
    driver.error = new Error('gone');
    await assert.rejects(notes.latest(1), /gone/);
    await assert.rejects(notes.check(), /gone/);
    assert.deepEqual([driver.released, driver.destroyed], [3, 2]);
    await notes.close();
    assert.ok(driver.ended);
  });

  test('are migrated once', async () => {
    const driver = new FakeDriver(), notes = new Notes(url, quiet, driver);
    await notes.migrate();
    assert.deepEqual(driver.statements.map(([sql]) => sql.split(' (')[0]), ['CREATE TABLE IF NOT EXISTS migrations', 'SELECT COUNT(*) AS n FROM migrations',
      'CREATE TABLE IF NOT EXISTS notes', 'INSERT INTO migrations VALUES']);
    assert.deepEqual(driver.statements[3][1], [0]);
    driver.statements.length = 0;
    driver.answer = 1;
    await notes.migrate();
    assert.equal(driver.statements.length, 2);
  });
});

test('the check of sessions uses a connection of its own', async () => {
  const opened = [], calls = [];
  const open = (_, more) => {
    opened.push(more.lazyConnect ?? false);
    return {on: () => {}, connect: async () => calls.push('connect'), ping: async () => { throw new Error('gone'); }, disconnect: () => calls.push('disconnect')};
  };
  const sessions = new Sessions(null, 'key', quiet, open);
  await assert.rejects(sessions.check(), /gone/);
  sessions.close();
  assert.deepEqual([opened, calls], [[false, true], ['connect', 'disconnect', 'disconnect']]);
});

/** A cluster whose workers are objects. */
class FakeCluster extends EventEmitter {
  workers = {};
  sent = [];
  forked = 0;

  fork() {
    const id = ++this.forked;
    this.workers[id] = {process: {pid: id}, send: (message) => this.sent.push([id, message])};
  }

  end(id, code, signal) {
    const worker = this.workers[id];
    delete this.workers[id];
    this.emit('exit', worker, code, signal);
  }
}

describe('the primary', () => {
  const connection = () => ({on() { return this; }, destroy() { this.destroyed = true; }});

  test('replaces workers until it is told to stop', async () => {
    const workers = new FakeCluster(), reports = [];
    const crew = new Crew(2, workers, quiet, (...error) => reports.push(error));
    workers.emit('message', workers.workers[1], {error: ['subject', 'trace']});
    assert.deepEqual([reports, crew.ready], [[['subject', 'trace']], []]);
    workers.end(1, null, 'SIGKILL');
    assert.deepEqual(Object.keys(workers.workers), ['2', '3']);
    let ended = false;
    const done = crew.stop().then(() => { ended = true; });
    assert.deepEqual(workers.sent, [[2, {stop: true}], [3, {stop: true}]]);
    workers.end(2, 0);
    await turns();
    assert.equal(ended, false);
    workers.end(3, 0);
    await done;
    assert.equal(workers.forked, 3);
  });

  test('hands connections to workers that are ready, in turn', () => {
    const workers = new FakeCluster(), crew = new Crew(3, workers, quiet), socket = connection();
    crew.hand(socket);
    assert.deepEqual(workers.sent, []);
    workers.emit('message', workers.workers[1], {ready: true});
    assert.deepEqual(workers.sent, [[1, {connection: 2}]]);
    assert.ok(!socket.destroyed);
    workers.emit('message', workers.workers[1], {took: 2});
    assert.ok(socket.destroyed);
    workers.emit('message', workers.workers[2], {ready: true});
    for (let i = 0; i < 4; i++) crew.hand(connection());
    assert.deepEqual(workers.sent.slice(1).map(([id]) => id).sort(), [1, 1, 2, 2]);
  });

  test('hands on what a worker did not take before it died', () => {
    const workers = new FakeCluster(), crew = new Crew(2, workers, quiet), sockets = [connection(), connection()];
    workers.emit('message', workers.workers[1], {ready: true});
    for (const socket of sockets) crew.hand(socket);
    workers.emit('message', workers.workers[1], {took: 1});
    workers.emit('message', workers.workers[2], {ready: true});
    workers.emit('disconnect', workers.workers[1]);
    workers.end(1, null, 'SIGKILL');
    assert.deepEqual(workers.sent, [[1, {connection: 1}], [1, {connection: 2}], [2, {connection: 3}]]);
    assert.deepEqual(crew.ready, [workers.workers[2]]);
    workers.emit('message', workers.workers[2], {took: 3});
    assert.ok(sockets[1].destroyed);
  });
});
