/**
 * One copy of what thousands of facts have in common: labels, tolerations,
 * requests, namespaces. What is shared is frozen, because a change would show
 * in every other fact. What nobody met for long is let go, so that what has
 * only one owner, as a taint with its time, does not pile up over a rollout.
 */

/** Of each kind; twice as many are held at the most. */
const mostRecent = 5_000;

export class Sharing {
  readonly #strings = new Recent<string>();
  readonly #objects = new Recent<object>();

  /** Replaces these properties of `facts`, which nobody else may hold yet, by their shared copies. */
  share<T extends object>(facts: T, properties: readonly (keyof T)[]): T {
    for (const property of properties) {
      const value = facts[property];
      if (typeof value === 'string') facts[property] = this.#string(value) as T[keyof T];
      else if (typeof value === 'object' && value !== null) facts[property] = this.#object(value) as T[keyof T];
    }
    return facts;
  }

  #string(text: string): string {
    return this.#strings.get(text) ?? this.#strings.keep(text, text);
  }

  #object(value: object): object {
    this.share(value, Object.keys(value) as (keyof object)[]);
    const key = JSON.stringify(value);
    return this.#objects.get(key) ?? this.#objects.keep(key, Object.freeze(value));
  }
}

/** In two generations: what is met again in the older one comes back into the newer. */
class Recent<T> {
  #newer = new Map<string, T>();
  #older = new Map<string, T>();

  get(key: string): T | undefined {
    const kept = this.#newer.get(key);
    if (kept !== undefined) return kept;
    const older = this.#older.get(key);
    return older === undefined ? undefined : this.keep(key, older);
  }

  keep(key: string, value: T): T {
    if (this.#newer.size >= mostRecent) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(key, value);
    return value;
  }
}
