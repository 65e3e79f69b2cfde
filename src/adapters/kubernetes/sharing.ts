/**
 * One copy of what thousands of facts have in common: labels, tolerations,
 * requests, namespaces. What is shared is frozen, because a change would show
 * in every other fact.
 */

const mostKept = 50_000;

export class Sharing {
  #strings = new Map<string, string>();
  #objects = new Map<string, object>();

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
    const kept = this.#strings.get(text);
    if (kept !== undefined) return kept;
    // What is shared already stays shared; only later copies are made anew.
    if (this.#strings.size >= mostKept) this.#strings = new Map();
    this.#strings.set(text, text);
    return text;
  }

  #object(value: object): object {
    this.share(value, Object.keys(value) as (keyof object)[]);
    const key = JSON.stringify(value);
    const kept = this.#objects.get(key);
    if (kept !== undefined) return kept;
    if (this.#objects.size >= mostKept) this.#objects = new Map();
    this.#objects.set(key, freeze(value));
    return value;
  }
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part);
  return Object.freeze(value);
}
