// Sessions, in Redis. The cookie holds a random id and its signature.
import {createHmac, randomBytes, timingSafeEqual} from 'node:crypto';

import {Redis} from 'ioredis';

const PATIENCE = 2000; // milliseconds
const LIFE = 30 * 24 * 60 * 60; // seconds

const connect = (url, more) => new Redis(url.href, {
  connectTimeout: PATIENCE, commandTimeout: PATIENCE, socketTimeout: PATIENCE, maxRetriesPerRequest: 1, ...more,
});

export class Sessions {
  constructor(url, secret, log, open = connect) {
    Object.assign(this, {url, secret, open});
    this.redis = open(url, {retryStrategy: () => 250});
    this.redis.on('error', (error) => log.warning('redis is away', {error: error.message}));
  }

  sign(id) {
    return createHmac('sha256', this.secret).update(`session=${id}`).digest('base64url');
  }

  /** Returns the id in a Cookie header; null where there is none or the signature is not ours. */
  id(header = '') {
    const cookie = header.split(/;\s*/).find((part) => part.startsWith('session='));
    const [id, signature = ''] = cookie?.slice('session='.length).split('.') ?? [''];
    return equal(signature, this.sign(id)) ? id : null;
  }

  /** Returns what is kept for a request: {} for a stranger. */
  async read(header) {
    const id = this.id(header);
    return JSON.parse(id && await this.redis.get(`session:${id}`) || '{}');
  }

  /** Keeps an object and returns the Set-Cookie header. */
  async write(header, session, secure) {
    const id = this.id(header) ?? randomBytes(18).toString('base64url');
    await this.redis.set(`session:${id}`, JSON.stringify(session), 'EX', LIFE);
    return `session=${id}.${this.sign(id)}; Path=/; Max-Age=${LIFE}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  }

  /** Finds out over a new connection whether Redis answers. */
  async check() {
    const redis = this.open(this.url, {lazyConnect: true, retryStrategy: null});
    redis.on('error', () => {}); // ping tells
    try {
      await redis.connect();
      await redis.ping();
    } finally {
      redis.disconnect();
    }
  }

  close() {
    this.redis.disconnect();
  }
}

/** Compares two texts in constant time. */
export function equal(a, b) {
  const [x, y] = [a, b].map((text) => createHmac('sha256', 'equal').update(text).digest());
  return timingSafeEqual(x, y);
}
