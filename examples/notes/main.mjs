// Notes: a small web application, ready for production.
//
//   node main.mjs            serve
//   node main.mjs migrate    bring the database up to date
//   node main.mjs count      print how many notes there are
//
// The primary (primary.mjs) keeps the workers running and mails errors; each
// worker (worker.mjs) answers requests by the routes of web.mjs.
import cluster from 'node:cluster';

import {ConfigError, load} from './config.mjs';
import {Log} from './log.mjs';
import {Notes} from './notes.mjs';
import {primary} from './primary.mjs';
import {worker} from './worker.mjs';

const commands = {
  migrate: (notes) => notes.migrate(),
  count: async (notes) => console.log(await notes.count()),
};

async function main(name) {
  const config = load(process.env);
  if (!name) return cluster.isPrimary ? primary(config) : worker(config);
  if (!Object.hasOwn(commands, name)) throw new ConfigError(`there is no command ${name}; there are ${Object.keys(commands).join(' and ')}`);
  const notes = new Notes(config.databaseUrl, new Log(config.level));
  await commands[name](notes);
  await notes.close();
}

main(process.argv[2]).catch((error) => {
  process.stderr.write(`${error instanceof ConfigError ? error.message : error.stack}\n`);
  process.exit(1);
});
