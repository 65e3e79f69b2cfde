/** A second server behind the same BMC: its system and chassis, and the writes to them, beside those of the first. */
import type { Controller } from './controller.ts';

/** Those entries of the second server's whole tree that are its own; all else the BMC has once. `pathOf` finds the address in a key. */
export function neighboursOwn<T>(
  bmc: Controller,
  all: (neighbour: Controller) => Record<string, T>,
  pathOf: (key: string) => string = key => key,
): Record<string, T> {
  const { neighbour } = bmc;
  if (neighbour === undefined) return {};
  const { system, chassis } = neighbour.uris;
  const own = (path: string) => [system, chassis].some(uri => path === uri || path.startsWith(`${uri}/`));
  return Object.fromEntries(Object.entries(all(neighbour)).filter(([key]) => own(pathOf(key))));
}
