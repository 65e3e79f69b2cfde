/** Faults that need a memory of earlier requests: how late the next answer is, and whether its turn has come to go wrong. */
import type { LabClock } from '../clock.ts';
import type { FaultKind, FaultSet } from '../faults.ts';
import { chance } from '../random.ts';

/** Wall-clock milliseconds that each request in flight adds under overload. */
const crowdedMs = 15;
/** A firmware inventory takes this many times as long as anything else. */
const slowInventory = 3;
/** 95th percentile of the standard normal distribution. */
const z95 = 1.645;
/** Standard deviations beyond which nothing is drawn: firmware gives up some time, a log-normal tail never does. */
const farthest = 3;

export class WireFaults {
  readonly #options: { name: string; seed: number; clock: LabClock; faults: FaultSet };
  readonly #turns = new Map<FaultKind, number>();
  /** How often each path was asked since the latency was set. */
  #asked = new Map<string, number>();
  #inFlight = 0;

  constructor(options: { name: string; seed: number; clock: LabClock; faults: FaultSet }) {
    this.#options = options;
    options.faults.onChange(kind => {
      if (kind === 'latency') this.#asked = new Map();
    });
  }

  /** Counts a request in; the function that it answers counts it out, once. */
  enter(): () => void {
    this.#inFlight++;
    let inside = true;
    return () => {
      if (inside) this.#inFlight--;
      inside = false;
    };
  }

  /** Whether so many requests are in flight that this one is turned away. */
  get overloaded(): boolean {
    return this.#inFlight > (this.#options.faults.get('overload')?.parallel ?? Number.POSITIVE_INFINITY);
  }

  /** True for every n-th request that asks, while the fault is set. */
  strikes(kind: 'connection-reset' | 'unauthorized-sometimes' | 'busy-sometimes' | 'resource-fails'): boolean {
    const every = this.#options.faults.get(kind)?.every;
    if (every === undefined) return false;
    const turn = (this.#turns.get(kind) ?? 0) + 1;
    this.#turns.set(kind, turn);
    return turn % every === 0;
  }

  /** Wall-clock milliseconds by which the next answer is late. */
  delayMs(path: string): number {
    const { faults } = this.#options;
    const crowd = faults.get('overload') === undefined ? 0 : crowdedMs * (this.#inFlight - 1);
    return (faults.get('slow')?.ms ?? 0) + crowd + this.#latencyMs(path);
  }

  /** By server, path and turn, so that clients which ask in another order, or for less, meet the same answers. */
  #latencyMs(path: string): number {
    const { name, seed, clock, faults } = this.#options;
    const latency = faults.get('latency');
    if (latency === undefined) return 0;
    const { p50Ms, p95Ms } = latency;
    const turn = this.#asked.get(path) ?? 0;
    this.#asked.set(path, turn + 1);
    const draw = (part: string) => chance(seed, `${name}/latency${path}/${turn}/${part}`);
    const normal = Math.sqrt(-2 * Math.log(1 - draw('radius'))) * Math.cos(2 * Math.PI * draw('angle'));
    const ms = p50Ms * Math.exp((Math.log(p95Ms / p50Ms) / z95) * Math.min(normal, farthest));
    return clock.scaled(path.includes('/FirmwareInventory') ? slowInventory * ms : ms);
  }
}
