/** What the record of a lost update says is no clock: the BMC has its time to show it from the first look on. */
import { afterEach, describe, expect, it } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { sha256 } from '../../src/core/canonical.ts';
import type { EffectRow } from '../../src/core/records.ts';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import { makeImage } from '../../src/lab/images.ts';
import { flash } from '../../src/operations/flash.ts';
import type { JobEffect, NodeJob } from '../../src/operations/job.ts';
import { testGrant } from '../support/grant.ts';
import { imageFile } from '../support/image-file.ts';
import { account, eventually, startImageServer, startTestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** An AMI MegaRAC that took the update, and hides its task. */
async function scene() {
  const { model, vendor, firmware } = bmcProfiles.ami;
  const lab = await startTestBmc({ vendor: 'ami', address: '127.33.2.1', speed: 600 });
  const bios = makeImage({ vendor, models: [model], component: 'bios', version: firmware.newBios });
  const images = await startImageServer({ '/bios.bin': bios });
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url: lab.bmc.url, ...account, spki: lab.bmc.spki }],
    ledger: memoryLedger(),
    timeouts: { retryMs: 20 },
  });
  stops.push(lab.stop, images.stop, () => bmcs.closeAll().catch(() => undefined));
  const bmc = bmcs.of('node');
  const { faults } = lab.bmc;
  faults.set({ kind: 'update-stalls', stage: 'flash' });
  faults.set({ kind: 'task-purge' });
  const image = imageFile(bios);
  const sent = { imageUri: `${images.url}/bios.bin`, protocol: 'HTTP', component: 'bios', image } as const;
  expect(await bmc.startUpdate(testGrant, sent)).toMatchObject({ outcome: 'accepted' });
  const change = {
    kind: 'firmware',
    component: 'bios',
    image: 'bios',
    sha256: sha256(bios),
    from: firmware.bios,
    to: firmware.newBios,
  };
  const job = {
    bmc,
    target: { node: 'node', vendor, bmcUrl: lab.bmc.url },
    plan: { id: 'plan-1' },
    change: { wanted: change },
    images: { fetches: async () => [] },
    timings: { pollMs: 20, resetSettleMs: 1_000 },
  };
  const observed = (open: Partial<EffectRow>) =>
    flash({
      ...job,
      effect: (spec: JobEffect<unknown>) => spec.observe(open as EffectRow),
    } as unknown as NodeJob) as Promise<unknown>;
  return { lab, observed };
}

describe('an update whose answer was lost', () => {
  it('is not taken for undone because its intent is old: it is found where it shows late', async () => {
    const { lab, observed } = await scene();
    const startedAt = new Date(Date.now() - 3_600_000).toISOString();
    const before = { tasks: [], token: '', settleMs: 60_000, pushed: false };
    const looked = lab.bmc.received().length;
    const finding = observed({ startedAt, before });
    await eventually(
      'several looks at it',
      () =>
        lab.bmc
          .received()
          .slice(looked)
          .filter(({ path }) => path.endsWith('/TaskService/Tasks')).length > 2,
    );
    lab.bmc.faults.clear('task-purge');
    expect(await finding).toMatchObject({
      finding: 'happened',
      evidence: expect.stringContaining('a task that was not'),
    });
  });

  it('is taken for undone once the BMC had that time and shows nothing', async () => {
    const { observed } = await scene();
    const before = { tasks: [], token: '', settleMs: 300, pushed: false };
    const from = Date.now();
    expect(await observed({ startedAt: new Date().toISOString(), before })).toMatchObject({ finding: 'not-happened' });
    expect(Date.now() - from).toBeGreaterThanOrEqual(300);
  });
});
