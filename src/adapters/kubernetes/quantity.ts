/** Kubernetes quantities as numbers. The client library's own parser rejects fractions with a suffix, such as `1.5Gi`. */
import type { Resources } from '../../core/scheduling.ts';

const scales: Record<string, number> = {
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

/** The value in base units; undefined for what is not a quantity. */
function parseQuantity(text: string): number | undefined {
  const parts = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(text);
  const scale = scales[parts?.[2] ?? 'none'];
  const value = Number(parts?.[1]);
  return scale === undefined || Number.isNaN(value) ? undefined : value * scale;
}

type Quantities = Record<string, string | undefined>;

/** What is absent or unreadable counts as zero: a node then has no room, and a pod asks for nothing. */
export function resourcesOf(quantities: Quantities = {}): Resources {
  const of = (name: string) => parseQuantity(quantities[name] ?? '') ?? 0;
  return {
    cpu: Math.round(of('cpu') * 1000),
    memory: of('memory'),
    ephemeralStorage: of('ephemeral-storage'),
    pods: of('pods'),
  };
}

export function combine(a: Resources, b: Resources, how: (x: number, y: number) => number): Resources {
  return {
    cpu: how(a.cpu, b.cpu),
    memory: how(a.memory, b.memory),
    ephemeralStorage: how(a.ephemeralStorage, b.ephemeralStorage),
    pods: how(a.pods, b.pods),
  };
}
