// Checks backing services in the background and tells the last results, so
// that asking is fast even where a service hangs.
export class Health {
  /** Takes a function by service, which throws where the service is not well. */
  constructor(checks, log, {interval = 1000, patience = 2500} = {}) {
    Object.assign(this, {checks, log, interval, patience, results: {}, timers: []});
  }

  /** Checks each service now, and then again and again until stop. */
  async start() {
    await Promise.all(Object.keys(this.checks).map((name) => this.watch(name)));
  }

  async watch(name) {
    await this.check(name);
    if (!this.stopped) this.timers[name] = setTimeout(() => this.watch(name), this.interval);
  }

  async check(name) {
    let late, result = 'ok', error;
    try {
      await Promise.race([this.checks[name](), new Promise((_, reject) => { late = setTimeout(reject, this.patience, new Error('too slow')); })]);
    } catch (e) {
      [result, error] = ['fail', e.message];
    }
    clearTimeout(late);
    if ((this.results[name] ?? 'ok') !== result) this.log.warning('service changed', {service: name, now: result, error});
    this.results[name] = result;
  }

  /** Returns the last results as an answer. */
  answer() {
    const well = Object.values(this.results).every((result) => result === 'ok');
    return {code: well ? 200 : 503, body: JSON.stringify({status: well ? 'ok' : 'fail', checks: this.results})};
  }

  stop() {
    this.stopped = true;
    Object.values(this.timers).forEach(clearTimeout);
  }
}
