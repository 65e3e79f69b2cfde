/** What waits on a BMC for the next start is known in full before a start, or there is none. */
import { describe, expect, it } from 'vitest';
import type { BiosReading } from '../../src/core/bios.ts';
import { known, unknown } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { NodeJob } from '../../src/operations/job.ts';
import { proveOnlyOurs } from '../../src/operations/set-bios.ts';
import { proveSettings, waitingBios } from '../../src/operations/waiting-bios.ts';
import { nodeOf } from '../support/cluster-facts.ts';
import { examplePlan } from '../support/example-plan.ts';

const settings = [{ attribute: 'Turbo', from: 'On', to: 'Off' }];

/** Of a drained node whose plan is to set Turbo off, or to start it as it is, and whose BMC says this. */
function jobOf(waiting: BiosReading['waiting']): NodeJob {
  const { plan } = examplePlan();
  const cluster = {
    node: async (name: string) => nodeOf(name, { unschedulable: true }),
    pods: async () => [],
    daemonSets: async () => [],
    attachments: async () => [],
  };
  const bmc = { bios: async (): Promise<BiosReading> => ({ active: { Turbo: 'On' }, waiting, startApplies: true }) };
  const change = { name: 'settings', wanted: { kind: 'bios-settings', settings, activation: 'next-start' } };
  return { plan, target: plan.targets[0], cluster, bmc, change } as unknown as NodeJob;
}

async function refused(proof: Promise<unknown>): Promise<string> {
  const thrown = await proof.catch(FleetError.from);
  return thrown instanceof FleetError ? `${thrown.code}, retry ${thrown.retry}: ${thrown.message}` : 'not refused';
}

describe('a reset that is to bring settings into force', () => {
  const reset = (waiting: BiosReading['waiting']) => refused(proveOnlyOurs(jobOf(waiting)));

  it('is let out where what waits is what the plan names, or nothing', async () => {
    expect([await reset(known({ Turbo: 'Off' })), await reset(known({}))]).toEqual(['not refused', 'not refused']);
  });

  it('is not where that cannot be read: it may be anything', async () => {
    expect(await reset(unknown('503'))).toMatch(/^bmc_unreachable, retry later: .*is not known: 503$/);
  });

  it('is not where something else waits, or another value', async () => {
    expect(await reset(known({ Turbo: 'Off', Sriov: 'On' }))).toMatch(/^precondition_failed.*: Sriov$/);
    expect(await reset(known({ Turbo: 'Eco' }))).toMatch(/^precondition_failed.*: Turbo$/);
  });
});

describe('a setting that waits and is not shown among those in force', () => {
  const job = jobOf(known({ Hidden: 1 }));

  it('is told', async () => {
    expect(await waitingBios(job.bmc)).toEqual(known([{ attribute: 'Hidden', from: 'not shown', to: 1 }]));
  });

  it('refuses a start of a plan that does not name it', async () => {
    expect(await refused(proveSettings(job))).toContain('they wait: Hidden not shown → 1');
  });
});
