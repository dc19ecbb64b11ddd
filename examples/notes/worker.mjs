// A worker answers requests, and tells the primary about errors.
import http from 'node:http';
import net from 'node:net';
import {setImmediate as turn, setTimeout as sleep} from 'node:timers/promises';

import {Health} from './health.mjs';
import {Log} from './log.mjs';
import {Notes} from './notes.mjs';
import {Sessions} from './sessions.mjs';
import {Syslog} from './syslog.mjs';
import {Web} from './web.mjs';

export async function worker(config) {
  const syslog = config.syslogUrl && new Syslog(config.syslogUrl, config.syslogFacility);
  const log = new Log(config.level, syslog);
  const notes = new Notes(config.databaseUrl), sessions = new Sessions(config.redisUrl, config.secretKey, log);
  const health = new Health({db: () => notes.check(), redis: () => sessions.check()}, log);
  await health.start();

  const web = new Web({...config, notes, sessions, health, log, report: (...error) => process.send({error})});
  const server = http.createServer((request, response) => web.handle(request, response).catch(() => response.destroy()));
  const ended = new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, resolve);
  });
  const connections = watch(server);
  server.on('error', (error) => {
    process.stderr.write(`PORT: ${error.message}\n`);
    process.exit(1);
  });
  server.listen(config.port);
  await ended;
  await drain(server, connections, () => { web.draining = true; });
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

/**
 * Stops listening, and waits until nothing is left to answer: idle connections
 * get a second to say something. server.close() would cut them off, and with
 * them a request that is on its way.
 */
export async function drain(server, state, begin, quiet = 1000) {
  begin();
  await turn(); // take what the kernel has accepted by now
  await turn();
  net.Server.prototype.close.call(server);
  const limit = Date.now() + 25000;
  while (Date.now() < limit && (state.active || (state.open && Date.now() - state.changed < quiet))) await sleep(10);
}
