/** The value at a path of keys and indexes in parsed JSON; undefined where the path ends early. */
export function valueAt(json: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string | number, unknown> | undefined)?.[key], json);
}
