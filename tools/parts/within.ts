/** Facts read beside each other, each within a limit: one that hangs becomes unknown and holds nothing else. */
import { type Fact, known, unknown } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';

const limitMs = 10_000;

/** What `read` gives, or why it gave nothing in `ms` milliseconds. Never throws. */
export async function within<T>(read: () => Promise<T>, ms = limitMs): Promise<Fact<T>> {
  const { promise: late, resolve } = Promise.withResolvers<Fact<T>>();
  const timer = setTimeout(() => resolve(unknown(`no answer within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([read().then(known), late]);
  } catch (thrown) {
    return unknown(FleetError.from(thrown).message);
  } finally {
    clearTimeout(timer);
  }
}

const atOnce = 10;

/** The same for many of a kind, ten at a time; what is left when the limit of all is reached is unknown. */
export async function eachWithin<T>(
  names: string[],
  read: (name: string) => Promise<T>,
  ms = limitMs,
): Promise<Map<string, Fact<T>>> {
  const until = Date.now() + ms;
  const facts = new Map<string, Fact<T>>();
  const queue = names.values();
  const worker = async () => {
    for (const name of queue) {
      const left = until - Date.now();
      facts.set(name, left > 0 ? await within(() => read(name), left) : unknown(`not read within ${ms / 1000} s`));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return facts;
}
