/** A BMC that is slow or gone costs its look a part, and never another site its turn. */
import { afterEach, describe, expect, it } from 'vitest';
import { type OpenBmcsOptions, openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { HealthSample } from '../../src/core/hardware.ts';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { account, eventually, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function start(address: string, vendor: LabMachine = 'supermicro'): Promise<TestBmc> {
  const bmc = await startTestBmc({ vendor, address });
  stops.push(bmc.stop);
  return bmc;
}

function open(
  bmcs: { node: string; site?: string; bmc: TestBmc['bmc'] }[],
  more: Pick<OpenBmcsOptions, 'inFlight' | 'now'> = {},
) {
  const opened = openBmcs({
    bmcs: bmcs.map(({ bmc, ...each }) => ({ ...each, url: bmc.url, ...account, spki: bmc.spki })),
    ledger: memoryLedger(),
    ...more,
  });
  stops.push(() => opened.end().catch(() => undefined));
  return opened;
}

/** Names of what of a sample is unknown, and why. */
function unread(sample: HealthSample): [string, string][] {
  return Object.entries(sample).flatMap(([part, fact]) =>
    typeof fact === 'object' && 'unknown' in fact ? [[part, String(fact.unknown)]] : [],
  );
}

function twice(paths: string[]): string[] {
  return [...new Set(paths.filter((path, index) => paths.indexOf(path) !== index))].toSorted();
}

describe('a look that may not take long', () => {
  it('gives what was read in time, says of the rest that it was not, and asks for nothing after', async () => {
    const { bmc } = await start('127.124.0.1', 'nvidia');
    const bmcs = open([{ node: 'n', bmc }]);
    expect(unread(await bmcs.of('n').sample()).map(([, why]) => why)).not.toContainEqual(expect.stringMatching(/look/));
    bmc.faults.set({ kind: 'slow', ms: 1000 });
    const partly = await bmcs.of('n').sample({ withinMs: 1800 });
    const late = unread(partly).filter(([, why]) => /^not read within the 2 s that a look may take$/.test(why));
    expect(late.length).toBeGreaterThan(0);
    expect(partly.power).toEqual({ value: 'on' });
    bmc.faults.clear('slow');
    // What still waited in the queue would be sent before anything of the next look.
    const windows: string[][] = [];
    for (let look = 0; look < 2; look++) {
      const from = bmc.received().length;
      expect(unread(await bmcs.of('n').sample()).filter(([, why]) => /look/.test(why))).toEqual([]);
      windows.push(
        bmc
          .received()
          .slice(from)
          .map(({ path }) => path),
      );
    }
    expect(twice(windows[0] ?? [])).toEqual(twice(windows[1] ?? []));
  });

  it('goes by the links that were found last where finding them anew would take all of its time', async () => {
    const { bmc } = await start('127.124.0.6');
    let now = Date.now();
    const bmcs = open([{ node: 'n', bmc }], { now: () => now });
    await bmcs.of('n').sample();
    now += 20 * 60_000;
    bmc.faults.set({ kind: 'slow', ms: 1000 });
    const from = bmc.received().length;
    expect((await bmcs.of('n').sample({ withinMs: 2500 })).power).toEqual({ value: 'on' });
    // They are found anew all the same, by reads that the end of the look does not cut off.
    await eventually('the system to be read for the look, and for the links', () => {
      const paths = bmc
        .received()
        .slice(from)
        .map(({ path }) => path);
      return paths.includes('/redfish/v1/Systems') && paths.filter(path => path === '/redfish/v1/Systems/1').length > 1;
    });
  });

  it('is missed as a whole when not even the system was read', async () => {
    const { bmc } = await start('127.124.0.2');
    const bmcs = open([{ node: 'n', bmc }]);
    bmc.faults.set({ kind: 'bmc-down', mode: 'lost' });
    const began = Date.now();
    const failure = await bmcs
      .of('n')
      .sample({ withinMs: 300 })
      .then(
        () => undefined,
        (thrown: unknown) => FleetError.from(thrown),
      );
    expect(failure).toMatchObject({ code: 'timeout', retry: 'later' });
    // A connection alone is waited for ten seconds.
    expect(Date.now() - began).toBeLessThan(8000);
    bmc.faults.clear('bmc-down');
    await eventually(
      'it to be read again',
      async () => {
        const sample = await bmcs
          .of('n')
          .sample({ withinMs: 5000 })
          .catch(() => undefined);
        return sample && 'value' in sample.power;
      },
      30_000,
    );
  });
});

it('a site whose BMCs all hang leaves the others their share of what may be in flight', async () => {
  const [gone, gone2, well] = [await start('127.124.0.3'), await start('127.124.0.4'), await start('127.124.0.5')];
  const bmcs = open(
    [
      { node: 'gone', site: 'cut', bmc: gone.bmc },
      { node: 'gone2', site: 'cut', bmc: gone2.bmc },
      { node: 'well', site: 'other', bmc: well.bmc },
    ],
    { inFlight: 4 },
  );
  for (const { bmc } of [gone, gone2]) {
    await bmcs.of(bmc === gone.bmc ? 'gone' : 'gone2').sample();
    bmc.faults.set({ kind: 'bmc-down', mode: 'hang' });
  }
  const hanging = ['gone', 'gone2'].flatMap(node => Array.from({ length: 4 }, () => bmcs.of(node).health()));
  let over = 0;
  for (const each of hanging) each.catch(() => over++);
  expect('value' in (await bmcs.of('well').sample()).power).toBe(true);
  expect(over).toBe(0);
  for (const { bmc } of [gone, gone2]) bmc.faults.clear('bmc-down');
});
