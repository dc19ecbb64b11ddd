// The primary starts the workers, replaces those that die, and mails errors.
import cluster from 'node:cluster';

import {Log} from './log.mjs';
import {Mailer, smtp} from './mail.mjs';
import {Syslog} from './syslog.mjs';

const WINDOW = 5000; // milliseconds between error mails

export async function primary(config, workers = cluster) {
  const syslog = config.syslogUrl && new Syslog(config.syslogUrl, config.syslogFacility);
  const log = new Log(config.level, syslog);
  const mailer = config.errorMail.length ? new Mailer(smtp(config.smtpUrl, config.errorMail), WINDOW, log) : null;
  log.info('starting', {port: config.port, workers: config.workers});
  await supervise(config.workers, workers, log, (error) => mailer?.report(...error));
  await mailer?.stop();
  log.info('stopped');
  await syslog?.stop();
  process.exit(0);
}

/** Keeps n workers running until SIGTERM, and then waits for their end. */
export function supervise(n, workers, log, report, signals = process) {
  workers.schedulingPolicy = cluster.SCHED_NONE; // each worker accepts by itself: nothing is handed to one that has just died
  let stopping = false, served = false;
  workers.on('listening', () => { served = true; });
  workers.on('message', (_, {error}) => { if (error) report(error); });
  for (let i = 0; i < n; i++) workers.fork();
  return new Promise((resolve) => {
    workers.on('exit', (worker, code, signal) => {
      if (stopping) {
        if (!Object.keys(workers.workers).length) resolve();
      } else if (!served && code) {
        signals.exit(code); // it cannot work; it has said why
      } else {
        log.warning('worker replaced', {pid: worker.process.pid, ended: signal ?? code});
        workers.fork();
      }
    });
    const stop = () => {
      stopping = true;
      for (const worker of Object.values(workers.workers)) worker.process.kill('SIGTERM');
    };
    for (const signal of ['SIGTERM', 'SIGINT']) signals.on(signal, stop);
  });
}
