// A worker answers the connections that the primary hands to it, and tells the
// primary about errors.
import http from 'node:http';
import {setTimeout as sleep} from 'node:timers/promises';

import {Health} from './health.mjs';
import {Log} from './log.mjs';
import {Notes} from './notes.mjs';
import {Sessions} from './sessions.mjs';
import {Syslog} from './syslog.mjs';
import {Web} from './web.mjs';

export async function worker(config) {
  const syslog = config.syslogUrl && new Syslog(config.syslogUrl, config.syslogFacility);
  const log = new Log(config.level, syslog);
  const notes = new Notes(config.databaseUrl, log), sessions = new Sessions(config.redisUrl, config.secretKey, log);
  const health = new Health({db: () => notes.check(), redis: () => sessions.check()}, log);
  const web = new Web({...config, notes, sessions, health, log, report: (...error) => process.send({error})});
  const server = http.createServer((request, response) => web.handle(request, response).catch(() => response.destroy()));
  const connections = watch(server);

  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => {}); // the primary says when
  const stopped = new Promise((resolve) => {
    process.on('message', ({stop, connection}, socket) => {
      if (stop) resolve();
      if (connection) process.send({took: connection});
      if (socket) server.emit('connection', socket.resume()); // none: the client is gone
    });
  });
  await health.start();
  process.send({ready: true});
  await stopped;
  web.draining = true;
  await settle(connections);
  health.stop();
  await syslog?.stop();
  process.send({}, () => process.exit(0)); // what was sent before has arrived then
}

/** Counts the open connections and the requests in them. */
export function watch(server) {
  const state = {open: 0, active: 0, changed: Date.now()};
  const change = (name, by) => {
    state[name] += by;
    state.changed = Date.now();
  };
  server.on('connection', (socket) => {
    change('open', 1);
    socket.on('close', () => change('open', -1));
  });
  server.prependListener('request', (_, response) => {
    change('active', 1);
    response.on('close', () => change('active', -1));
  });
  return state;
}

/** Waits until nothing is left to answer. Idle connections get a second, as a request may be on its way. */
export async function settle(state, quiet = 1000) {
  const limit = Date.now() + 25000;
  while (Date.now() < limit && (state.active || (state.open && Date.now() - state.changed < quiet))) await sleep(10);
}
