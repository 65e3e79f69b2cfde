/**
 * A value that must never be printed. Every way that JavaScript has of turning
 * an object into text gives `***`; only `reveal()` gives the value, so a search
 * for that word finds each place where a secret leaves its wrapper.
 */
import { inspect } from 'node:util';

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}
