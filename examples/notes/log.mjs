// The log: each record is one line of JSON on standard output, and goes to syslog.
import {LEVELS} from './config.mjs';

export const [DEBUG, INFO, WARNING, ERROR] = LEVELS.keys();

export class Log {
  /** Writes what has the level or more; syslog may be null. */
  constructor(level, syslog, out = process.stdout) {
    Object.assign(this, {level, syslog, out});
  }

  write(level, message, fields = {}) {
    if (level < this.level) return;
    const time = new Date();
    const line = JSON.stringify({time, level: LEVELS[level], message, ...fields});
    this.out.write(`${line}\n`);
    this.syslog?.send(level, time, line);
  }

  debug(message, fields) { this.write(DEBUG, message, fields); }
  info(message, fields) { this.write(INFO, message, fields); }
  warning(message, fields) { this.write(WARNING, message, fields); }
  error(message, fields) { this.write(ERROR, message, fields); }
}
