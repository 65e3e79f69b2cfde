/** Operations that wait for a maintenance window: what they tell, what ends the wait, and that nothing reaches a machine until then. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Calendar, weekdays } from '../../src/core/calendar.ts';
import { planCard } from '../../src/planning/plan-card.ts';
import { play } from '../support/journal-flow.ts';
import { eventually } from '../support/stack.ts';
import { type StepScene, stepScene } from '../support/step-scene.ts';

const node = 'bos-w-1';
const hourMs = 3_600_000;
const clock = (at: number) => new Date(at).toISOString().slice(11, 16);
const always: Calendar = { timeZone: 'UTC', windows: [], changeFreezes: [] };

let scene: StepScene;
let since: number;

beforeAll(async () => {
  scene = await stepScene({ addressBase: '127.181', nodes: 2, speed: 800 });
});
afterAll(async () => {
  expect(await scene?.close()).toEqual([]);
});
beforeEach(() => {
  since = scene.lab.effects.since().length;
});

const reached = () => scene.reached(node, since);
const open = () => scene.calendars.set('boston', always);

/** From so many hours after now on, each day, for so many hours. */
function window(afterHours: number, hours: number): Calendar {
  const begins = Date.now() + afterHours * hourMs;
  const daily = { days: [...weekdays], from: clock(begins), to: clock(begins + hours * hourMs) };
  return { ...always, windows: [daily] };
}

/** Asks while the window is shut, and runs until it waits. */
async function waiting(tool: string, input: object, calendar = window(2, 8)) {
  scene.calendars.set('boston', calendar);
  const id = await scene.ask(tool, { node, waitForWindow: true, ...input });
  const end = play(scene.runPlan, id, { what: 'none' });
  const at = await toldOf(id);
  return { id, end, at };
}

function toldOf(id: string): Promise<string> {
  return eventually('it to say what it waits for', async () => {
    const [part] = (await scene.records.operations.get(id)).nodes;
    return part?.state === 'waiting' && part.message !== '' ? part.message : undefined;
  });
}

const endOf = async (id: string) => {
  const { state, reason, nodes } = await scene.records.operations.get(id);
  return [state, reason, nodes[0]?.state];
};

it('says for which it waits, touches nothing, and begins once it is open', async () => {
  const { id, end, at } = await waiting('cordonNode', {});
  expect(at).toMatch(/^waits for the window of boston that opens \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\)$/);
  const told = (await scene.records.operations.events(id, 0)).filter(({ message }) => message === at);
  expect(told).toHaveLength(1);
  expect(reached()).toEqual([]);
  expect(JSON.stringify(planCard(await scene.planOf(id), ''))).toContain('begins in a maintenance window');
  open();
  await end;
  expect(await endOf(id)).toEqual(['done', 'every node is done', 'done']);
  expect(reached()).toEqual(['cordon']);
  await scene.restore(node);
});

it('waits too where the one that is open has too little left for a node, and another process waits on', async () => {
  const { id, end, at } = await waiting('flashFirmware', imageFor(), window(-1, 1.2));
  expect(at).toContain('waits for the window of boston');
  // Another process takes over, while the one that waited is not quite gone.
  scene.calendars.set('boston', window(3, 8));
  const after = play(scene.runPlan, id, { what: 'none' });
  await eventually('it to wait for the other window', async () => ((await toldOf(id)) === at ? undefined : true));
  expect(reached()).toEqual([]);
  await scene.gateway.invoke({ tool: 'cancelOperation', input: { operation: id }, caller: scene.asker });
  await Promise.all([end, after]);
  expect(await endOf(id)).toEqual(['cancelled', expect.stringContaining('cancelled the operation'), 'skipped']);
});

it('ends when the approval is taken back', async () => {
  const { id, end } = await waiting('flashFirmware', imageFor());
  const { approval = '' } = await scene.records.operations.get(id);
  const presence = { by: 'passphrase', passphrase: '' } as const;
  await scene.approvals.revoke({ approval, reason: 'not this week', presence }, scene.voter);
  await end;
  expect(await endOf(id)).toEqual(['cancelled', expect.stringContaining('took the approval back'), 'skipped']);
  expect(reached()).toEqual([]);
});

it('does not begin under a freeze, though its window opens', async () => {
  const { id, end } = await waiting('cordonNode', {});
  const frozen = { tool: 'freezeChanges', input: { site: 'boston', reason: 'smoke' }, caller: scene.asker };
  await scene.gateway.invoke(frozen);
  open();
  await end;
  expect(await endOf(id)).toEqual(['cancelled', expect.stringContaining('smoke'), 'cancelled']);
  expect(reached()).toEqual([]);
});

function imageFor(): object {
  const image = scene.lab.images.find(({ vendor }) => vendor === 'dell')?.id;
  return { image, deleteEmptyDir: true };
}
