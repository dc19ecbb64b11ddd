// Error mails: the first at once, then, while there are more, one summary per
// window. Each error is counted in exactly one mail.
import {createTransport} from 'nodemailer';

const KINDS = 10; // how many different errors a mail describes

export class Mailer {
  /** Mails with send(subject, text), at most once per window of milliseconds. */
  constructor(send, window, log) {
    Object.assign(this, {send, window, log, traces: new Map(), unsent: 0, total: 0, timer: null, sending: Promise.resolve()});
  }

  report(subject, trace) {
    this.unsent++;
    this.total++;
    if (this.traces.has(subject) || this.traces.size < KINDS) this.traces.set(subject, trace);
    if (!this.timer) this.mail();
  }

  /** Sends all that is unsent, keeps it where that fails, and opens a window. */
  mail() {
    this.timer = null;
    if (!this.unsent) return;
    const {traces, unsent: count, total} = this;
    Object.assign(this, {traces: new Map(), unsent: 0});
    this.timer = setTimeout(() => this.mail(), this.window);
    this.sending = this.send(...summary(traces, count, total)).catch((error) => {
      this.log.warning('error mail not sent', {error: error.message, count});
      this.unsent += count;
      this.traces = new Map([...traces, ...this.traces]);
    });
  }

  /** Sends what is left. */
  async stop() {
    await this.sending;
    clearTimeout(this.timer);
    this.mail();
    clearTimeout(this.timer);
    await this.sending;
  }
}

export function summary(traces, count, total) {
  const [first = 'something'] = traces.keys();
  const subject = count === 1 ? first : `${count} errors, such as ${first}`;
  const parts = [`Errors in this mail: ${count}. Errors since the start: ${total}.\n`];
  for (const [kind, trace] of traces) parts.push(`${kind}\n\n${trace}\n`);
  return [subject, parts.join('\n')];
}

/** Returns a function that sends a mail by smtp:// or smtps://; a user logs in, over TLS. */
export function smtp(url, recipients, connect = createTransport) {
  const user = decodeURIComponent(url.username), secure = url.protocol === 'smtps:';
  const transport = connect({
    host: url.hostname, port: Number(url.port || (secure ? 465 : 25)), secure, name: 'localhost',
    ...(user ? {auth: {user, pass: decodeURIComponent(url.password)}, requireTLS: true} : {ignoreTLS: true}),
    connectionTimeout: 3000, greetingTimeout: 3000, socketTimeout: 4000,
  });
  return (subject, text) => transport.sendMail({
    from: 'Notes <notes@localhost>', to: recipients, subject: `[notes] ${subject}`.slice(0, 150), text,
  });
}
