import assert from 'node:assert/strict';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, describe, test} from 'node:test';

import {ConfigError, load} from '../config.mjs';

const NEEDED = {DATABASE_URL: 'mysql://u:p@db/notes', REDIS_URL: 'redis://:p@cache/0', STATUS_TOKEN: 'token', SECRET_KEY: 'key'};
const folder = mkdtempSync(join(tmpdir(), 'notes-'));
const file = join(folder, 'app.yaml');
after(() => rmSync(folder, {recursive: true}));

/** Loads settings from a file and an environment. */
function withFile(source, env = {}) {
  writeFileSync(file, source);
  return load({...NEEDED, NOTES_CONFIG: file, ...env});
}

const refused = (run, want) => assert.throws(run, (error) => error instanceof ConfigError && (assert.equal(error.message.replace(`${folder}/`, ''), want), true));

describe('settings', () => {
  test('have defaults', () => {
    const {databaseUrl, redisUrl, ...rest} = load(NEEDED);
    assert.deepEqual(rest, {port: 8000, workers: 2, level: 1, statusToken: 'token', secretKey: 'key', errorMail: [], smtpUrl: null,
      syslogUrl: null, syslogFacility: 16, title: 'Notes'});
    assert.equal(databaseUrl.hostname + redisUrl.hostname, 'dbcache');
  });

  test('come from the environment before the file before the default', () => {
    const source = 'port: 9000\ntitle: File\nlog:\n  level: DEBUG\nstatus_token: 0123\nmail: {errors: "a@b.c, d@e.f", server: smtp://post}\n';
    const config = withFile(source, {PORT: '9001', STATUS_TOKEN: 'environment'});
    assert.deepEqual([config.port, config.title, config.level, config.statusToken, config.errorMail, config.smtpUrl.hostname, config.workers],
      [9001, 'File', 0, 'environment', ['a@b.c', 'd@e.f'], 'post', 2]);
    const {STATUS_TOKEN, ...others} = NEEDED;
    assert.equal(load({...others, NOTES_CONFIG: file}).statusToken, '0123');
    assert.equal(withFile('# nothing\n').port, 8000);
  });

  test('are listed where they are missing', () => {
    refused(() => load({SECRET_KEY: ''}), 'missing settings: DATABASE_URL, REDIS_URL, STATUS_TOKEN, SECRET_KEY');
    refused(() => load({...NEEDED, ERROR_MAIL: 'a@b.c'}), 'missing settings: SMTP_URL');
  });

  for (const [variable, value, want] of [
    ['PORT', 'http', 'want a number from 1 to 65535'], ['PORT', '0', 'want a number from 1 to 65535'], ['PORT', '65536', 'want a number from 1 to 65535'],
    ['WEB_CONCURRENCY', '65', 'want a number from 1 to 64'], ['LOG_LEVEL', 'LOUD', 'want one of DEBUG, INFO, WARNING, ERROR'],
    ['DATABASE_URL', 'postgres://u:secret@db', 'want an address that begins with mysql:'], ['REDIS_URL', '::not-a-url', 'want an address that begins with redis: or rediss:'],
    ['SMTP_URL', 'smtp:', 'want an address that begins with smtp: or smtps:'], ['ERROR_MAIL', 'a@b.c, nobody', '"nobody" is no mail address'],
  ]) {
    test(`refuse ${variable}=${value}`, () => refused(() => load({...NEEDED, [variable]: value}), `${variable}: ${want}`));
  }

  test('are refused with the line of the file', () => {
    refused(() => withFile('\nport: many\n'), 'app.yaml:2: PORT: want a number from 1 to 65535');
    refused(() => withFile('port: 1\nlog:\n  colour: red\n'), 'app.yaml:3: there is no setting log.colour of this form');
    refused(() => withFile('port: [1]\n'), 'app.yaml:1: there is no setting port of this form');
    refused(() => withFile('port: 1\ntitle: "half'), 'app.yaml:2: Missing closing "quote');
    assert.throws(() => load({...NEEDED, NOTES_CONFIG: '/nowhere/app.yaml'}), /^Error: NOTES_CONFIG: ENOENT/);
  });
});
