/**
 * What really reached the machines: every write that a BMC or API server of
 * the lab accepted or refused, in order. Tests and invariants read this, never
 * the product's own records.
 */
export type Effect = {
  seq: number;
  /** RFC 3339 with milliseconds, the lab's clock. */
  time: string;
  kind: 'bmc' | 'cluster';
  /** Origin that was written to, such as `https://127.20.1.11:8443`. */
  target: string;
  /** Server or cluster name. */
  name: string;
  method: string;
  path: string;
  /** HTTP status that the write was answered with; 0 when the connection was dropped instead. */
  status: number;
  /** Account name or User-Agent, what the surface knows of the caller. */
  caller: string;
  /** Parsed request body, as sent. Secrets are replaced by `***`. */
  body: unknown;
};

export class EffectLog {
  readonly #effects: Effect[] = [];

  append(effect: Omit<Effect, 'seq' | 'time'>): Effect {
    const entry = { seq: this.#effects.length + 1, time: new Date().toISOString(), ...effect };
    this.#effects.push(entry);
    return entry;
  }

  /** Effects with a sequence number above `after`, oldest first. */
  since(after = 0): Effect[] {
    return this.#effects.slice(after);
  }
}

/** A copy of a parsed body in which every property named like a password, a token or HTTP headers reads `***`. */
export function maskSecrets(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(maskSecrets);
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [
      key,
      /password|token|httpheaders/i.test(key) ? '***' : maskSecrets(value),
    ]),
  );
}
