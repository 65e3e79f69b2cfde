/** Numbers on the command line of a bench: a wrong one would measure nothing and say so to nobody. */

/** Of `--flag`; `otherwise` where it is not given. Throws where it is no number, or a negative one. */
export function numberFlag<Values extends object>(
  values: Values,
  flag: keyof Values & string,
  otherwise?: number,
): number {
  const written = values[flag];
  if (written === undefined && otherwise !== undefined) return otherwise;
  return numberFrom(flag, written);
}

/** The same for several with commas between; none where it is empty. */
export function numbersFlag<Values extends object>(values: Values, flag: keyof Values & string): number[] {
  const written = values[flag];
  return typeof written === 'string' && written !== '' ? written.split(',').map(part => numberFrom(flag, part)) : [];
}

function numberFrom(flag: string, written: unknown): number {
  const value = typeof written === 'string' && written.trim() !== '' ? Number(written) : Number.NaN;
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${flag}: expected a number from 0 on, such as --${flag} 10, and not ${JSON.stringify(written)}`);
}
