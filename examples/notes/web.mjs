// Requests and replies. Nothing is kept between them.
import {randomUUID} from 'node:crypto';
import {setTimeout as sleep} from 'node:timers/promises';

import {page} from './page.mjs';
import {equal} from './sessions.mjs';

const SHOWN = 20; // notes on the page
const LONGEST = 64 * 1024; // octets of a form
const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
};

const plain = (code, body, headers = {}) => ({code, type: 'text/plain; charset=utf-8', body: `${body}\n`, headers});
const missing = () => plain(404, 'There is nothing here.');
const home = (headers = {}) => plain(303, 'See /', {Location: '/', ...headers});

export class Web {
  /** Takes the parts that it needs; report(subject, trace) takes each error. */
  constructor({title, statusToken, notes, sessions, health, log, report}) {
    Object.assign(this, {title, statusToken, notes, sessions, health, log, report, draining: false});
    const secret = (route) => (request) => this.trusted(request) ? route.call(this) : missing();
    this.routes = {
      'GET /': this.index, 'POST /name': this.name, 'POST /notes': this.keep,
      'GET /status': secret(this.status), 'GET /slow': secret(this.slow), 'GET /fault': secret(this.fault),
    };
  }

  /** Answers a request, logs it and survives its errors. */
  async handle(request, response) {
    const begin = performance.now(), given = request.headers['x-request-id'] ?? '';
    request.id = /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
    const {code, type, body, headers} = await this.answer(request);
    response.writeHead(code, {
      ...HEADERS, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), 'X-Request-Id': request.id,
      ...headers, ...(this.draining && {Connection: 'close'}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    this.log.info('request', {...where(request), status: code, ms: Math.round(performance.now() - begin), agent: request.headers['user-agent']});
  }

  async answer(request) {
    try {
      const method = request.method === 'HEAD' ? 'GET' : request.method, key = `${method} ${request.url.split('?')[0]}`;
      if (!Object.hasOwn(this.routes, key)) return missing();
      if (method === 'POST' && request.headers['sec-fetch-site'] === 'cross-site') return plain(403, 'That form is not ours.');
      const form = await readForm(request);
      return form ? await this.routes[key].call(this, request, form) : plain(413, 'That is too much.', {Connection: 'close'});
    } catch (error) {
      const {method, uri, request_id: id} = where(request);
      this.log.error('request failed', {...where(request), error: error.message, stack: error.stack});
      this.report(`${method} ${uri.split('?')[0]}: ${error.message}`, `${method} ${uri}\nrequest ${id}\n\n${error.stack}`);
      return plain(500, 'Something went wrong. We have been told.');
    }
  }

  async index(request) {
    const [{name = ''}, notes] = await Promise.all([this.sessions.read(request.headers.cookie), this.notes.latest(SHOWN)]);
    return {code: 200, type: 'text/html; charset=utf-8', body: page(this.title, name, notes), headers: {}};
  }

  /** Remembers who the guest is. */
  async name(request, form) {
    const name = clip(form.get('name'), 80), secure = request.headers['x-forwarded-proto'] === 'https';
    return home({'Set-Cookie': await this.sessions.write(request.headers.cookie, {name}, secure)});
  }

  /** Keeps a note. */
  async keep(request, form) {
    const text = clip(form.get('text'), 1000), {name} = await this.sessions.read(request.headers.cookie);
    if (!text) return plain(422, 'The note is empty.');
    await this.notes.add(name || 'Anonymous', text);
    return home();
  }

  trusted(request) {
    return equal(request.headers.authorization ?? '', `Bearer ${this.statusToken}`);
  }

  status() {
    return {...this.health.answer(), type: 'application/json', headers: {'Cache-Control': 'no-store'}};
  }

  /** Takes a second, as a request on a bad day. */
  async slow() {
    await sleep(1000);
    return plain(200, 'That took a second.');
  }

  /** Shows what happens when something breaks. */
  fault() {
    throw new Error('the pencil is broken');
  }
}

const where = (request) => ({method: request.method, uri: request.url, request_id: request.id});

const clip = (text, n) => [...(text ?? '').trim()].slice(0, n).join('');

/** Reads the body as a form; null where it is too long. */
async function readForm(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LONGEST) return null;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
