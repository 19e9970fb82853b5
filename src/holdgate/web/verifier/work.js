// Long work in a page that stays alive: it gives way often, can be cancelled, and checks signatures many at a time.

import { Fault } from "./bytes.js";
import { whyNotSigned } from "./dsse.js";

const GIVE_WAY_MS = 30;
const AT_ONCE = 64;

/** The person who watches cancelled. */
export class Cancelled extends Error {}

/** Says how far the work is, gives way to the page, and stops when it is cancelled. */
export class Watch {
  constructor(onProgress = () => {}, signal = null) {
    this.onProgress = onProgress;
    this.signal = signal;
    this.last = performance.now();
  }

  /** Call this between small pieces of work. */
  async pause(what, done, total) {
    if (this.signal?.aborted) throw new Cancelled("cancelled");
    if (performance.now() - this.last < GIVE_WAY_MS) return;
    this.onProgress(what, done, total);
    await new Promise((resume) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        channel.port1.close();
        resume();
      };
      channel.port2.postMessage(null);
    });
    this.last = performance.now();
  }
}

/** Checks the signatures of acts, several at once. `found`: told (sequence number, sentence) of each that does not hold. */
export class Checks {
  constructor(found) {
    this.found = found;
    this.count = 0;
    this.passkeys = 0;
    this.running = 0;
    this.waiting = [];
  }

  /** Check one act's signatures; waits while many are under way. */
  async add(seq, envelope, keys, about = "") {
    this.count += keys.length;
    this.passkeys += keys.filter(([, key]) => key.length !== 32).length;
    this.running++;
    this.#check(seq, envelope, keys, about);
    if (this.running >= AT_ONCE) await new Promise((resume) => this.waiting.push(resume));
  }

  async #check(seq, envelope, keys, about) {
    try {
      const why = await whyNotSigned(envelope, keys);
      if (why) this.found(seq, `a signature does not hold: ${about}${why}`);
    } catch (error) {
      this.found(
        seq,
        error instanceof Fault ? `${about}${error.message}` : `a signature could not be checked: ${error}`,
      );
    }
    this.running--;
    this.waiting.shift()?.();
  }

  /** Wait for all of them. */
  async finish() {
    while (this.running) await new Promise((resume) => this.waiting.push(resume));
  }
}
