// The primary listens, hands each connection to a worker in turn, replaces
// workers that die, and mails errors. It listens itself because node:cluster
// refuses connections while no worker is ready.
import cluster from 'node:cluster';
import net from 'node:net';
import {setImmediate as turn} from 'node:timers/promises';

import {Log} from './log.mjs';
import {Mailer, smtp} from './mail.mjs';
import {Syslog} from './syslog.mjs';

const WINDOW = 5000; // milliseconds between error mails

export async function primary(config) {
  const syslog = config.syslogUrl && new Syslog(config.syslogUrl, config.syslogFacility);
  const log = new Log(config.level, syslog);
  const mailer = config.errorMail.length ? new Mailer(smtp(config.smtpUrl, config.errorMail), WINDOW, log) : null;
  const ended = new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, resolve);
  });

  const crew = new Crew(config.workers, cluster, log, (...error) => mailer?.report(...error));
  const listener = net.createServer({pauseOnConnect: true, noDelay: true}, (socket) => crew.hand(socket));
  listener.on('error', (error) => {
    process.stderr.write(`PORT: ${error.message}\n`);
    process.exit(1);
  });
  listener.listen({port: config.port, backlog: 511}, () => log.info('serving', {port: config.port, workers: config.workers}));

  await ended;
  await turn(); // take what the kernel has accepted by now
  await turn();
  listener.close();
  await crew.stop();
  await mailer?.stop();
  log.info('stopped');
  await syslog?.stop();
  process.exit(0);
}

/** Workers of a cluster. */
export class Crew {
  /** Keeps n workers running; report takes each error of theirs. */
  constructor(n, workers, log, report) {
    Object.assign(this, {workers, ready: [], waiting: [], last: 0, stopping: false});
    workers.on('message', (worker, {ready, took, error}) => {
      if (error) report(...error);
      if (took) this.release(worker, took);
      if (!ready) return;
      this.ready.push(Object.assign(worker, {given: new Map()}));
      for (const socket of this.waiting.splice(0)) this.hand(socket);
    });
    workers.on('disconnect', (worker) => this.forget(worker));
    this.ended = new Promise((resolve) => {
      workers.on('exit', (worker, code, signal) => {
        this.forget(worker);
        if (!this.stopping) {
          log.warning('worker replaced', {pid: worker.process.pid, ended: signal ?? code});
          workers.fork();
        } else if (!Object.keys(workers.workers).length) {
          resolve();
        }
      });
    });
    for (let i = 0; i < n; i++) workers.fork();
  }

  /** Gives a connection to the next worker, or to the first that will be ready. */
  hand(socket) {
    const id = ++this.last, worker = this.ready[id % this.ready.length];
    if (!worker) {
      this.waiting.push(socket);
      return;
    }
    worker.given.set(id, socket.on('error', () => {}));
    worker.send({connection: id}, socket, {keepOpen: true}, () => {});
  }

  /** Closes our copy of a connection that a worker took. */
  release(worker, id) {
    worker.given.get(id).destroy();
    worker.given.delete(id);
  }

  /** Gives what a dead worker did not take to the others. */
  forget(worker) {
    this.ready = this.ready.filter((other) => other !== worker);
    const sockets = [...worker.given?.values() ?? []];
    worker.given?.clear();
    for (const socket of sockets) this.hand(socket);
  }

  /** Lets each worker finish what it was given. */
  stop() {
    this.stopping = true;
    for (const worker of Object.values(this.workers.workers)) worker.send({stop: true}, () => {});
    return this.ended;
  }
}
