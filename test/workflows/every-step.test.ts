/**
 * Every workflow, through what a durable engine may do to it: each step twice,
 * each step failing, a crash after each entry of the journal. What is held
 * against it is what reached the machines. Runs one mishap to a kind of plan,
 * picked by a seed (GROUNDSKEEPER_EVERY_STEP, a number); `npm run bench:steps`
 * runs all.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cordonOwner, cordonReason } from '../../src/core/cluster-marks.ts';
import { hasEnded } from '../../src/core/operation.ts';
import type { HealthAct, PlanKind } from '../../src/core/plan.ts';
import { type Mishap, type Played, play } from '../support/journal-flow.ts';
import { firmwareOf } from '../support/rollout.ts';
import { eventually } from '../support/stack.ts';
import { type StepScene, stepScene } from '../support/step-scene.ts';

const { GROUNDSKEEPER_EVERY_STEP: wanted = '1' } = process.env;

type Begin = (scene: StepScene, node: string) => Promise<string>;

const tool =
  (name: string, input: object = {}): Begin =>
  (scene, node) =>
    scene.ask(name, { node, ...input });
const emptied = { deleteEmptyDir: true };

/** Where a workflow needs a node that is not as usual, another operation made it so, without any mishap. */
async function first(scene: StepScene, begin: Promise<string>): Promise<void> {
  const operation = await begin;
  await play(scene.runPlan, operation, { what: 'none' });
  expect((await scene.records.operations.get(operation)).reason).toContain('done');
}

async function sickened(scene: StepScene, node: string) {
  const { faults } = scene.node(node).server;
  faults.set({ kind: 'drive-predictive' });
  faults.set({ kind: 'psu-failed' });
  return (await scene.look(node)).filter(finding => finding.state === 'open' && finding.level === 'critical');
}

async function cordonedForHealth(scene: StepScene, node: string): Promise<string> {
  const signals = (await sickened(scene, node)).map(({ id, text }) => ({ id, text }));
  const act: HealthAct = { act: 'cordon', signals, declined: [], mostCordoned: 20, reason: 'drive and supply' };
  return scene.askForHealth(node, act);
}

const rows: Record<PlanKind, Begin> = {
  cordon: tool('cordonNode'),
  async uncordon(scene, node) {
    await first(scene, scene.ask('cordonNode', { node }));
    return scene.ask('uncordonNode', { node });
  },
  drain: tool('drainNode', emptied),
  taint: tool('taintNode', { key: 'example.com/suspect', effect: 'NoExecute' }),
  restart: tool('setNodePower', { power: 'restart', ...emptied }),
  'power-off': tool('setNodePower', { power: 'off', ...emptied }),
  async 'power-on'(scene, node) {
    await first(scene, scene.ask('setNodePower', { node, power: 'off', ...emptied }));
    return scene.ask('setNodePower', { node, power: 'on' });
  },
  'bmc-change': tool('resetBmc'),
  'health-cordon': cordonedForHealth,
  async 'health-release'(scene, node) {
    const owner = await cordonedForHealth(scene, node);
    await first(scene, Promise.resolve(owner));
    await scene.acknowledge(node);
    for (const fault of ['drive-predictive', 'psu-failed'] as const) scene.node(node).server.faults.clear(fault);
    await eventually('all to be well', async () => {
      const found = await scene.look(node);
      return found.every(({ state, kind }) => state === 'cleared' || kind === 'log-critical') ? true : undefined;
    });
    return scene.askForHealth(node, { act: 'release', owner, healthyForMs: 0, reason: 'well again' });
  },
  async 'health-mark'(scene, node) {
    await sickened(scene, node);
    return scene.askForHealth(node, { act: 'mark', healthy: false, reason: 'drive and supply' });
  },
  async 'health-drain'(scene, node) {
    await first(scene, cordonedForHealth(scene, node));
    return scene.askForHealth(node, { act: 'drain', reason: 'drive and supply' });
  },
  async 'bios-change'(scene, node) {
    const wanted = ['Enabled', 'Disabled'].map(value =>
      scene.ask('planBiosChange', { node, settings: [`LogicalProc=${value}`], ...emptied }),
    );
    return Promise.any(wanted);
  },
  'firmware-rollout': (scene, node) => {
    const image = scene.lab.images.find(({ vendor }) => vendor === 'dell')?.id;
    return scene.ask('flashFirmware', { node, image, ...emptied });
  },
};

const kinds = Object.keys(rows) as PlanKind[];
const ran = new Set<string>();
let scene: StepScene;

beforeAll(async () => {
  scene = await stepScene({ addressBase: '127.91', nodes: kinds.length, speed: 800 });
});
afterAll(async () => {
  expect(await scene?.close()).toEqual([]);
});

type Ended = Played & { reached: string[]; state: string; message: string };

async function through(kind: PlanKind, mishap: Mishap): Promise<Ended> {
  const node = `bos-w-${kinds.indexOf(kind) + 1}`;
  const operation = await rows[kind](scene, node);
  const before = scene.lab.effects.since().length;
  const played = await play(scene.runPlan, operation, mishap);
  const { state, nodes, reason } = await scene.records.operations.get(operation);
  const part = nodes[0];
  const told = `${kind}, ${JSON.stringify(mishap)}: ${reason}`;
  expect(hasEnded(state), told).toBe(true);
  expect(['done', 'failed', 'ambiguous', 'cancelled'], told).toContain(part?.state);
  const plan = await scene.planOf(operation);
  const leases = [`node:${plan.targets[0]?.cluster}/${node}`, `bmc:${plan.targets[0]?.bmcUrl}`];
  for (const lease of leases) expect(await scene.records.leases.holds([lease], operation), told).toBe(false);
  const reached = scene.reached(node, before);
  const { metadata, spec } = scene.facts(node) ?? {};
  if (spec?.unschedulable && metadata?.annotations?.[cordonOwner] === operation)
    expect(metadata.annotations[cordonReason], told).toMatch(/\S/);
  const flashed = reached.some(word => word.includes('SimpleUpdate'));
  if (flashed && reached.includes('uncordon'))
    expect(scene.node(node).server.firmware.active, told).toBe(firmwareOf(plan.targets[0])[0]?.to);
  expect(scene.node(node).host.bricked, told).toBeUndefined();
  await scene.restore(node);
  return { ...played, reached, state: part?.state ?? '', message: reason };
}

/** Those that this run takes a kind of plan through, of all that may happen to it. */
function mishapsOf(kind: PlanKind, { failable, entries }: Played): Mishap[] {
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const kindsOfMishap: Mishap[][] = [
    [{ what: 'every step twice' }],
    upTo(failable).map(at => ({ what: 'a step fails', at })),
    upTo(entries).map(after => ({ what: 'a crash', after })),
  ];
  if (wanted === 'all') return kindsOfMishap.flat();
  const index = kinds.indexOf(kind) + Number(wanted);
  const some = kindsOfMishap[index % kindsOfMishap.length] ?? [];
  return some.filter((_, place) => place === (index * 7919) % some.length);
}

describe.concurrent.each(kinds)('%s', kind => {
  it('is the same with every step twice, ends in order whichever step fails, and goes on after every crash and upgrade', {
    timeout: 1_200_000,
  }, async () => {
    const usual = await through(kind, { what: 'none' });
    expect(usual.message).toContain('every node is done');
    for (const name of usual.workflows) ran.add(name);

    const begunEarlier: Mishap[] = usual.changed ? [{ what: 'begun earlier' }] : [];
    for (const mishap of [...begunEarlier, ...mishapsOf(kind, usual)]) {
      const { happened, state, reached } = await through(kind, mishap);
      const told = JSON.stringify(mishap);
      expect(happened, told).toBe(true);
      if (mishap.what === 'a step fails')
        // Nothing more often than without.
        for (const word of new Set(reached.filter(each => !each.includes('cordon'))))
          expect(times(reached, word), `${told}: ${word}`).toBeLessThanOrEqual(times(usual.reached, word));
      else expect([state, reached], told).toEqual([usual.state, usual.reached]);
    }
  });
});

it('has run every workflow that there is', () => {
  expect([...ran].sort()).toEqual([...scene.workflows].sort());
});

function times(all: string[], word: string): number {
  return all.filter(each => each === word).length;
}
