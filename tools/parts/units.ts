/** Units as people write them. */
const symbols: Record<string, string> = { celsius: '°C', percent: '%', count: '', on: '(1 is on)' };

export function unitSymbol(unit: string): string {
  return symbols[unit] ?? unit;
}
