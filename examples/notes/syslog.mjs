// Sends records to syslog from a bounded queue: who logs never waits, and what
// does not fit into the queue is counted.
import {spawn} from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns/promises';
import {once} from 'node:events';
import net from 'node:net';
import os from 'node:os';
import {setTimeout as sleep} from 'node:timers/promises';

const SEVERITIES = [7, 6, 4, 3]; // by level: RFC 5424, section 6.2.1
const CAPACITY = 1000; // records
const LONGEST = 8000; // characters
const PATIENCE = 1000; // milliseconds for one record

export class Syslog {
  constructor(url, facility, stderr = process.stderr) {
    Object.assign(this, {facility, stderr, queue: [], lost: 0, busy: null, stopping: false});
    this.transport = new {'udp:': Udp, 'tcp:': Tcp, 'unix:': Unix}[url.protocol](url);
  }

  send(level, time, text) {
    if (this.queue.length >= CAPACITY) {
      this.lost++;
      return;
    }
    this.queue.push({priority: this.facility * 8 + SEVERITIES[level], time, text: text.slice(0, LONGEST)});
    this.busy ??= this.deliver().finally(() => { this.busy = null; });
  }

  async deliver() {
    while (this.queue.length) {
      const record = this.queue.shift();
      while (!await this.attempt(record)) {
        if (this.stopping) {
          this.lost++;
          break;
        }
        await sleep(250);
      }
      if (this.lost) await this.tellLosses();
    }
  }

  async attempt(record) {
    const late = new AbortController();
    try {
      await Promise.race([this.transport.send(record), sleep(PATIENCE, null, {signal: late.signal}).then(() => { throw new Error('too slow'); })]);
      return true;
    } catch {
      this.transport.close();
      return false;
    } finally {
      late.abort();
    }
  }

  async tellLosses() {
    const text = JSON.stringify({level: 'WARNING', message: 'syslog records lost', count: this.lost});
    this.lost = 0;
    this.stderr.write(`${text}\n`);
    await this.attempt({priority: this.facility * 8 + SEVERITIES[2], time: new Date(), text});
  }

  /** Sends what is queued, or counts it as lost where nobody takes it. */
  async stop() {
    this.stopping = true;
    await this.busy;
    await this.transport.close();
  }
}

/** A record as RFC 5424 has it. */
export const frame = ({priority, time, text}) => `<${priority}>1 ${time.toISOString()} ${os.hostname()} notes ${process.pid} - - ${text}`;

class Udp {
  constructor(url) { this.url = url; }

  async send(record) {
    if (!this.socket) {
      const {address, family} = await lookup(this.url.hostname);
      this.socket = dgram.createSocket(`udp${family}`).on('error', () => this.close()).unref();
      this.socket.connect(Number(this.url.port || 514), address);
      await once(this.socket, 'connect');
    }
    await new Promise((resolve, reject) => this.socket.send(frame(record), (error) => error ? reject(error) : resolve()));
  }

  close() {
    this.socket?.close();
    this.socket = null;
  }
}

const lookup = (name) => dns.lookup(name.replace(/^\[|\]$/g, ''));

class Tcp {
  constructor(url) { this.url = url; }

  /** Sends a frame with its length in front (RFC 6587). */
  async send(record) {
    if (!this.socket) {
      const socket = net.connect(Number(this.url.port || 514), this.url.hostname.replace(/^\[|\]$/g, ''));
      this.socket = socket.on('error', () => {}).on('close', () => { if (this.socket === socket) this.socket = null; }).resume();
      await once(socket, 'connect');
    }
    const text = frame(record);
    await new Promise((resolve, reject) => this.socket.write(`${Buffer.byteLength(text)} ${text}`, (error) => error ? reject(error) : resolve()));
  }

  close() {
    this.socket?.destroy();
    this.socket = null;
  }
}

/** Node has no datagrams on unix sockets; logger(1) has. */
class Unix {
  constructor(url) { this.path = url.pathname; }

  async send({priority, text}) {
    if (!this.child) {
      const child = spawn('logger', ['--socket', this.path, '--rfc5424', '--prio-prefix', '--size', '16KiB', '--tag', 'notes', `--id=${process.pid}`],
        {stdio: ['pipe', 'ignore', 'ignore']});
      this.child = child.on('error', () => {}).on('exit', () => { if (this.child === child) this.child = null; });
      child.stdin.on('error', () => {});
    }
    await new Promise((resolve, reject) => this.child.stdin.write(`<${priority}>${text}\n`, (error) => error ? reject(error) : resolve()));
  }

  async close() {
    const child = this.child;
    this.child = null;
    child?.stdin.end();
    if (child && child.exitCode === null && child.pid) await once(child, 'exit');
  }
}
