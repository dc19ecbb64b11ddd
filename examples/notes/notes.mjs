// The notes, in MariaDB.
import mysql from 'mysql2/promise';

const PATIENCE = 2000; // milliseconds, for connecting and for each statement

// They bring the schema from each version to the next. Never change one; add another.
const MIGRATIONS = [
  `CREATE TABLE IF NOT EXISTS notes (id BIGINT AUTO_INCREMENT PRIMARY KEY, author VARCHAR(80) NOT NULL,
     text VARCHAR(1000) NOT NULL, written DATETIME NOT NULL DEFAULT UTC_TIMESTAMP()) CHARACTER SET utf8mb4`,
];

export function options(url) {
  return {
    host: url.hostname, port: Number(url.port || 3306), user: decodeURIComponent(url.username), password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)), connectTimeout: PATIENCE, timezone: 'Z', charset: 'utf8mb4',
  };
}

export class Notes {
  constructor(url, log, driver = mysql) {
    this.log = log;
    this.options = options(url);
    this.driver = driver;
    this.pool = driver.createPool({...this.options, connectionLimit: 5, maxIdle: 5, idleTimeout: 30000});
  }

  /** Runs a statement. A connection that failed is not used again. */
  async query(sql, values = []) {
    this.log.debug('statement', {sql});
    const connection = await this.pool.getConnection();
    try {
      const [rows] = await connection.query({sql, values, timeout: PATIENCE});
      connection.release();
      return rows;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  add(author, text) {
    return this.query('INSERT INTO notes (author, text) VALUES (?, ?)', [author, text]);
  }

  /** Returns at most n notes, the newest first: id, author, text, written. */
  latest(n) {
    return this.query('SELECT id, author, text, written FROM notes ORDER BY id DESC LIMIT ?', [n]);
  }

  async count() {
    return (await this.query('SELECT COUNT(*) AS n FROM notes'))[0].n;
  }

  /** Finds out over a new connection whether the notes can be read. */
  async check() {
    const connection = await this.driver.createConnection(this.options);
    try {
      await connection.query({sql: 'SELECT 1 FROM notes LIMIT 1', timeout: PATIENCE});
    } finally {
      connection.destroy();
    }
  }

  /** Brings the schema up to date. It may be repeated. */
  async migrate() {
    await this.query('CREATE TABLE IF NOT EXISTS migrations (version INT PRIMARY KEY)');
    const [{n: done}] = await this.query('SELECT COUNT(*) AS n FROM migrations');
    for (let version = done; version < MIGRATIONS.length; version++) {
      await this.query(MIGRATIONS[version]);
      await this.query('INSERT INTO migrations VALUES (?)', [version]);
    }
  }

  close() {
    return this.pool.end();
  }
}
