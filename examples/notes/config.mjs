// Every setting: where it comes from and what it must look like.
import {readFileSync} from 'node:fs';

import {LineCounter, isMap, isScalar, parseDocument} from 'yaml';

export class ConfigError extends Error {}

export const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR'];
const FACILITIES = ('kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock ' +
  'local0 local1 local2 local3 local4 local5 local6 local7').split(' ');

const text = (value) => value;

const number = (low, high) => (value) => {
  if (!/^[0-9]{1,6}$/.test(value) || value < low || value > high) throw new ConfigError(`want a number from ${low} to ${high}`);
  return Number(value);
};

const choice = (names) => (value) => {
  if (!names.includes(value)) throw new ConfigError(`want one of ${names.join(', ')}`);
  return names.indexOf(value);
};

/** Reads a URL. Its error never quotes the value, which may hold a password. */
const address = (...schemes) => (value) => {
  if (!value) return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url && schemes.includes(url.protocol) && (url.hostname || url.pathname)) return url;
  throw new ConfigError(`want an address that begins with ${schemes.join(' or ')}`);
};

const recipients = (value) => value.split(',').map((part) => part.trim()).filter(Boolean).map((part) => {
  if (!/^[^\s<>,@]+@[^\s<>,@]+$/.test(part)) throw new ConfigError(`"${part}" is no mail address`);
  return part;
});

// Variable, key in the file, default (null: it is required), parser, name.
const SETTINGS = [
  ['PORT', 'port', '8000', number(1, 65535), 'port'],
  ['WEB_CONCURRENCY', 'workers', '2', number(1, 64), 'workers'],
  ['LOG_LEVEL', 'log.level', 'INFO', choice(LEVELS), 'level'],
  ['DATABASE_URL', 'database', null, address('mysql:'), 'databaseUrl'],
  ['REDIS_URL', 'redis', null, address('redis:', 'rediss:'), 'redisUrl'],
  ['STATUS_TOKEN', 'status_token', null, text, 'statusToken'],
  ['SECRET_KEY', 'secret_key', null, text, 'secretKey'],
  ['ERROR_MAIL', 'mail.errors', '', recipients, 'errorMail'],
  ['SMTP_URL', 'mail.server', '', address('smtp:', 'smtps:'), 'smtpUrl'],
  ['SYSLOG_URL', 'syslog.server', '', address('udp:', 'tcp:', 'unix:'), 'syslogUrl'],
  ['SYSLOG_FACILITY', 'syslog.facility', 'local0', choice(FACILITIES), 'syslogFacility'],
  ['SITE_TITLE', 'title', 'Notes', text, 'title'],
];

/**
 * Takes each setting from the environment, else from the file that
 * NOTES_CONFIG names, else its default. The error tells all that is wrong.
 */
export function load(env) {
  const file = env.NOTES_CONFIG ? readFile(env.NOTES_CONFIG) : {};
  const config = {}, missing = [], wrong = [];
  for (const [variable, key, fallback, parse, name] of SETTINGS) {
    const {value, where} = variable in env ? {value: env[variable], where: ''} : file[key] ?? {value: fallback, where: ''};
    if (fallback === null && !value) {
      missing.push(variable);
      continue;
    }
    try {
      config[name] = parse(value);
    } catch (error) {
      wrong.push(`${where}${variable}: ${error.message}`);
    }
  }
  if (config.errorMail?.length && config.smtpUrl === null) missing.push('SMTP_URL');
  if (missing.length) wrong.push(`missing settings: ${missing.join(', ')}`);
  if (wrong.length) throw new ConfigError(wrong.join('\n'));
  return config;
}

/** Returns {dotted key: {value, where}} of a YAML file. */
function readFile(name) {
  let source;
  try {
    source = readFileSync(name, 'utf8');
  } catch (error) {
    throw new ConfigError(`NOTES_CONFIG: ${error.message}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(source, {lineCounter: lines, prettyErrors: false});
  const at = (offset) => `${name}:${lines.linePos(offset).line}: `;
  if (document.errors.length) throw new ConfigError(at(document.errors[0].pos[0]) + document.errors[0].message);
  const values = {};
  for (const [key, node] of document.contents ? flatten(document.contents, '') : []) {
    const where = at(node?.range?.[0] ?? 0);
    if (!isScalar(node) || !SETTINGS.some((setting) => setting[1] === key)) throw new ConfigError(`${where}there is no setting ${key} of this form`);
    values[key] = {value: node.source ?? String(node.value), where};
  }
  return values;
}

/** Yields each value below a mapping with its dotted key. */
function* flatten(node, prefix) {
  if (!isMap(node)) yield [prefix, node];
  else for (const {key, value} of node.items) yield* flatten(value, prefix ? `${prefix}.${key}` : `${key}`);
}
