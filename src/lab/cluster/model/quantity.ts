/** Amounts as the API writes them: `250m`, `1.5Gi`, `3e3`. */
const factors: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const form = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/** The amount in its base unit (cores, bytes, pods); 0 for what is absent, NaN for what is no quantity. */
export function amountOf(quantity: string | number | undefined): number {
  if (quantity === undefined) return 0;
  if (typeof quantity === 'number') return quantity;
  const [, digits, exponent, suffix = ''] = form.exec(quantity.trim()) ?? [];
  if (digits === undefined) return Number.NaN;
  return Number(digits) * (exponent === undefined ? (factors[suffix] ?? Number.NaN) : 10 ** Number(exponent));
}

/** The amount in thousandths of its base unit, rounded up as the scheduler does. */
export function milliOf(quantity: string | number | undefined): number {
  return Math.ceil(Number((amountOf(quantity) * 1000).toFixed(6)));
}
