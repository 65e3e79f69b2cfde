/** How late the lab's answers are: log-normal, and the same ones for the same seed. */
import { describe, expect, it } from 'vitest';
import { WireFaults } from '../../src/lab/bmc/wire-faults.ts';
import { LabClock } from '../../src/lab/clock.ts';
import { FaultSet } from '../../src/lab/faults.ts';

function delays(seed: number, path = '/redfish/v1'): number[] {
  const faults = new FaultSet();
  faults.set({ kind: 'latency', p50Ms: 400, p95Ms: 3000 });
  const wire = new WireFaults({ name: 'node-1', seed, clock: new LabClock(1), faults });
  return Array.from({ length: 4000 }, () => wire.delayMs(path));
}

function quantile(values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)] ?? Number.NaN;
}

describe('latency', () => {
  it('has the median and the 95th percentile that were asked for', () => {
    const drawn = delays(1);
    expect(quantile(drawn, 0.5)).toBeGreaterThan(370);
    expect(quantile(drawn, 0.5)).toBeLessThan(430);
    expect(quantile(drawn, 0.95)).toBeGreaterThan(2600);
    expect(quantile(drawn, 0.95)).toBeLessThan(3400);
  });

  it('follows from the seed', () => {
    expect(delays(7)).toEqual(delays(7));
    expect(delays(7)).not.toEqual(delays(8));
  });

  it('is three times as much for a firmware inventory', () => {
    const inventory = quantile(delays(1, '/redfish/v1/UpdateService/FirmwareInventory/1'), 0.5);
    expect(inventory).toBeGreaterThan(3 * 370);
    expect(inventory).toBeLessThan(3 * 430);
  });

  it('is the same for a path whatever else is asked, and begins anew when it is set anew', () => {
    const faults = new FaultSet();
    const wire = new WireFaults({ name: 'node-1', seed: 1, clock: new LabClock(1), faults });
    const drawn = (paths: string[]) => {
      faults.set({ kind: 'latency', p50Ms: 400, p95Ms: 3000 });
      return Object.fromEntries(paths.map(path => [path, wire.delayMs(path)]));
    };
    const all = drawn(['/a', '/b', '/c']);
    expect(drawn(['/c', '/a'])).toEqual({ '/a': all['/a'], '/c': all['/c'] });
    expect(new Set(Object.values(all)).size).toBe(3);
  });

  it('is nothing without the fault, and the crowd counts only under overload', () => {
    const faults = new FaultSet();
    const wire = new WireFaults({ name: 'node-1', seed: 1, clock: new LabClock(1), faults });
    const leave = [wire.enter(), wire.enter(), wire.enter()];
    expect([wire.delayMs('/'), wire.overloaded]).toEqual([0, false]);
    faults.set({ kind: 'overload', parallel: 2 });
    expect([wire.delayMs('/'), wire.overloaded]).toEqual([30, true]);
    leave.pop()?.();
    expect([wire.delayMs('/'), wire.overloaded]).toEqual([15, false]);
  });
});
