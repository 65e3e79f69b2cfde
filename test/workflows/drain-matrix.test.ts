/**
 * Every kind of pod, every state of a disruption budget and every fault that a drain meets, through the whole product.
 * One table says what must come of each.
 */
import Bottleneck from 'bottleneck';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cordonOwner } from '../../src/core/cluster.ts';
import type { Operation } from '../../src/core/operation.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { check, endings, type Row, row } from '../support/drain-checks.ts';
import { type Fault, faults, killFaults, shortDeadline, siteFaults } from '../support/drain-faults.ts';
import {
  type BudgetState,
  budgetStates,
  exemptKinds,
  forbiddenKinds,
  type Kind,
  kinds,
  movedKinds,
  type Place,
  stayingKinds,
} from '../support/drain-kinds.ts';
import { loggedIn, type People, type Played, play } from '../support/drain-play.ts';
import { reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';
import { verifyRunning } from '../support/verify.ts';

const moved = [...movedKinds];
const exempt = [...exemptKinds];
const staying = [...stayingKinds];
const every = [...moved, ...exempt, ...staying];
const leaving = [...moved, ...exempt];
const few: Kind[] = ['deployment', 'statefulSet', 'claim'];

const done = /^\d+ pods evicted and gone; stays cordoned$/;
const blocked = /could not be evicted in time: PodDisruptionBudget \S+ \(minAvailable 1\) allows no disruption/;
const wouldStop = /^the drain would stop at .*never allows a disruption/;
const several = /several PodDisruptionBudgets count it/;
const stopped = /^stopped, not drained: day-shift cancelled the operation$/;

// biome-ignore format: a table
const table: Row[] = [
  // pods                 budget            fault                      ends                    says              gone
  row(every,              'none',           'none',                    'drained',              done,             leaving),
  row(every,              'allows',         'none',                    'drained',              done,             leaving),
  row(every,              'freed',          'none',                    'drained',              done,             leaving),
  row(every,              'behind',         'none',                    'drained',              done,             leaving),
  row(every,              'held',           'none',                    'given back',           blocked,          exempt),
  row(every,              'zeroLater',      'none',                    'given back',           wouldStop,        ['terminating']),
  row(every,              'twoLater',       'none',                    'given back',           several,          ['terminating']),
  row(moved,              'zero',           'none',                    'never begun',          /never allows a disruption since \S+: it (wants all 1 pods healthy|cannot count its pods)/, []),
  row(moved,              'two',            'none',                    'never begun',          several,          []),
  row(moved,              'crashLoop',      'none',                    'never begun',          /is in CrashLoopBackOff/, []),
  row([...exempt, ...staying], 'zero',      'none',                    'drained',              done,             exempt),
  row([...exempt, ...staying], 'two',       'none',                    'drained',              done,             exempt),
  row([...exempt, ...staying], 'crashLoop', 'none',                    'drained',              done,             exempt),
  row(moved,              'unreadyHealthy', 'none',                    'drained',              done,             moved),
  row(moved,              'unreadyAlways',  'none',                    'drained',              done,             moved),
  row(moved,              'unreadyWaits',   'none',                    'drained',              done,             moved),
  row([...forbiddenKinds, 'deployment'], 'none', 'none',               'never begun',          /no controller would start it again/, []),
  // What becomes of the requests:
  row(few,                'none',           'throttled',               'drained',              done,             few),
  row(few,                'freed',          'throttled',               'drained',              done,             few),
  row(few,                'none',           'throttled for long',      'drained',              done,             few),
  row(few,                'allows',         '500 once',                'drained',              done,             few),
  row(few,                'none',           '500 for a while',         'drained',              done,             few),
  row(few,                'freed',          '500 for a while',         'drained',              done,             few),
  row(few,                'allows',         '503 once',                'drained',              done,             few),
  row(few,                'none',           '503 for a while',         'drained',              done,             few),
  row(few,                'allows',         '504 once',                'drained',              done,             few),
  row(few,                'allows',         'request lost',            'drained',              done,             few),
  row(few,                'freed',          'request lost for a while', 'drained',             done,             few),
  row(few,                'none',           'answer lost',             'drained',              done,             few),
  row(few,                'allows',         'answer lost',             'drained',              done,             few),
  row(few,                'freed',          'answer lost',             'drained',              done,             few),
  row(few,                'unreadyAlways',  'answer lost',             'drained',              done,             few),
  row(few,                'none',           'cordon 500',              'drained',              done,             few),
  row(few,                'none',           'cordon 503',              'drained',              done,             few),
  row(few,                'none',           'cordon request lost',     'drained',              done,             few),
  row(few,                'allows',         'cordon answer lost',      'drained',              done,             few),
  row(few,                'held',           'cordon and uncordon answers lost', 'given back',  blocked,          []),
  row(few,                'allows',         'slow',                    'drained',              done,             few),
  row(few,                'freed',          'partition',               'drained',              done,             few),
  row(few,                'freed',          'restart',                 'drained',              done,             few),
  row(few,                'held',           'long partition',          'given back',           /could not be evicted in time/, []),
  // What becomes of the pods and their volumes:
  row(['claim'],          'none',           'slow detach',             'drained',              done,             ['claim']),
  row(['claim'],          'allows',         'detach fails for a while', 'drained',             done,             ['claim']),
  row(['claim'],          'none',           'detach stuck',            'given back',           /to be empty: volume \S+ \(its driver reports an error\)$/, ['claim']),
  row(['finalizer', 'deployment'], 'none',  'finalizer stuck',         'given back',           /finalizer-\S+, which was evicted, to end: it is still there/, ['deployment'], ['finalizer']),
  row(['statefulSet'],    'held',           'replaced meanwhile',      'drained',              done,             ['statefulSet']),
  row(few,                'held',           'namespace deleted',       'drained',              done,             few),
  // What people do:
  row(every,              'held',           'cancelled waiting',       'cancelled',            stopped,          exempt),
  row(['finalizer'],      'none',           'cancelled ending',        'cancelled',            stopped,          [], ['finalizer']),
  row(few,                'held',           'uncordoned by somebody',  'given back',           /is not cordoned any more/, []),
  row(few,                'freed',          'cordoned by somebody',    'drained, their cordon', done,            few),
  row(few,                'held',           'cordoned by somebody',    'left to them',         blocked,          []),
];

// biome-ignore format: a table
const killed: Row[] = [
  row(few,                'freed',          'killed waiting',          'drained',              done,             few),
  row(moved,              'none',           'killed amid evictions',   'drained',              done,             moved),
  row(['finalizer', 'deployment'], 'allows', 'killed ending',          'drained',              done,             ['finalizer', 'deployment']),
];

function titleOf({ pods, budget, fault, ends }: Row): string {
  const many = pods.length > 3 ? `${pods.length} kinds` : pods.join(', ');
  return `${many}; budget ${budget}; fault ${fault}: ${ends}`;
}

/** Where the whole site is hit, or the deadline is short so that it can be waited for. */
function needsShortDeadline({ budget, fault, ends }: Row): boolean {
  if (budget === 'behind' || isSiteFault(fault)) return true;
  const late = budget === 'held' && (ends === 'given back' || ends === 'left to them');
  return (late && fault !== 'uncordoned by somebody') || fault === 'detach stuck' || fault === 'finalizer stuck';
}

function isSiteFault(fault: Fault): boolean {
  return (siteFaults as readonly string[]).includes(fault);
}

const patient = table.filter(each => !needsShortDeadline(each));
const hurried = table.filter(needsShortDeadline);
const spares = 6;
/** Nodes of one site of the hurried stack, one of which is spare. */
const hurriedWorkers = 3;

/** Rows that hit a whole site have one for themselves; the others share one by two. */
const hurriedSites: Row[][] = [];
for (const each of hurried.toSorted((a, b) => Number(isAlone(b)) - Number(isAlone(a)))) {
  const last = hurriedSites.at(-1);
  if (last?.[0] && !isAlone(last[0]) && last.length < hurriedWorkers - 1) last.push(each);
  else hurriedSites.push([each]);
}

function isAlone({ budget, fault }: Row): boolean {
  return budget === 'behind' || (isSiteFault(fault) && fault !== 'slow detach');
}

let stack: Stack;
let hasty: Stack;
let people: People;
let hastyPeople: People;
const played = new Map<Row, Promise<Played>>();

beforeAll(async () => {
  const workers = patient.length + killed.length + spares;
  [stack, hasty] = await Promise.all([
    startMatrix({ addressBase: '127.67', sites: 1, workers }),
    startMatrix({ addressBase: '127.68', sites: hurriedSites.length, workers: hurriedWorkers }, shortDeadline),
  ]);
  people = loggedIn(stack);
  hastyPeople = loggedIn(hasty);
  const few = new Bottleneck({ maxConcurrent: 14 });
  const begin = (each: Row, who: People, place: Place) => {
    const result = few.schedule(() => play(who, place, { kinds: each.pods, budget: each.budget, fault: each.fault }));
    result.catch(() => undefined); // told by the row's own test
    played.set(each, result);
  };
  for (const [site, rows] of hurriedSites.entries())
    for (const [index, each] of rows.entries()) begin(each, hastyPeople, placeOf(hasty, site, index));
  for (const [index, each] of patient.entries()) begin(each, people, placeOf(stack, 0, index));
}, 180_000);

afterAll(async () => {
  await Promise.allSettled(played.values());
  await Promise.all([stack?.close(), hasty?.close()]);
}, 180_000);

async function startMatrix(
  size: { addressBase: string; sites: number; workers: number },
  drainTimeout?: string,
): Promise<Stack> {
  const started = await startStack({ ...size, speed: 20 });
  await reconfigure(started, document => {
    document.rollout.pollInterval = '500ms';
    if (drainTimeout) document.rollout.drainTimeout = drainTimeout;
    for (const { clusters } of document.sites)
      for (const cluster of clusters) cluster.budget.maxUnavailable = size.workers;
  });
  await Promise.all(started.lab.sites.map(({ cluster }) => emptySeed(cluster.store)));
  return started;
}

/** The seeded workloads would run, and be moved, among the pods of the rows. */
async function emptySeed(store: Stack['lab']['sites'][number]['cluster']['store']): Promise<void> {
  for (const plural of ['deployments', 'statefulsets'] as const)
    for (const { metadata } of store.list(plural))
      store.update(plural, { name: metadata.name, namespace: metadata.namespace ?? '' }, draft => {
        draft.spec.replicas = 0;
      });
  for (const [name, value] of [
    ['matrix-low', 100],
    ['matrix-high', 10_000],
  ] as const)
    store.create('priorityclasses', { metadata: { name }, ...{ value, preemptionPolicy: 'Never' } });
  await eventually('the seeded pods to be gone', async () =>
    store.list('pods').some(({ metadata }) => metadata.namespace !== 'kube-system') ? undefined : true,
  );
}

/** The row's own worker; the last workers of a site are spare. */
function placeOf({ lab }: Stack, siteIndex: number, index: number): Place {
  const site = lab.sites[siteIndex];
  const workers = site?.nodes.filter(({ role }) => role === 'worker').map(({ name }) => name) ?? [];
  const spareCount = siteIndex === 0 && lab === stack.lab ? spares : 1;
  const spare = workers.at(-1 - (index % spareCount));
  const node = workers[index];
  if (!site || !node || !spare || index >= workers.length - spareCount) throw new Error(`no worker ${index} for a row`);
  return { site, node, spare, name: `${site.name}-row-${index + 1}` };
}

describe('a drain of', () => {
  for (const each of table)
    it(titleOf(each), { timeout: 240_000 }, async () => {
      const result = await played.get(each);
      if (!result) throw new Error('the row was not played');
      check(each, result);
    });
});

describe('with a service that dies meanwhile, a drain of', () => {
  for (const [index, each] of killed.entries())
    it(titleOf(each), { timeout: 180_000 }, async () => {
      await Promise.allSettled(played.values());
      const place = placeOf(stack, 0, patient.length + index);
      const { pods, budget, fault } = each;
      check(each, await play(people, place, { kinds: pods, budget, fault }));
    });
});

describe('of all of it', () => {
  it('the table holds every kind, budget and fault, and each kind with each budget that makes sense for it', () => {
    const rows = [...table, ...killed];
    const missing = kinds.flatMap(kind =>
      budgetStates
        .filter(budget => makesSense(kind, budget))
        .filter(budget => !rows.some(each => each.budget === budget && each.pods.includes(kind)))
        .map(budget => `${kind} × ${budget}`),
    );
    expect(missing).toEqual([]);
    expect(faults.filter(fault => !rows.some(each => each.fault === fault))).toEqual([]);
    expect(killed.map(each => each.fault)).toEqual(killFaults);
    expect(new Set(rows.map(each => each.ends))).toEqual(new Set(Object.keys(endings)));
    expect(new Set(rows.map(titleOf)).size).toBe(rows.length);
  });

  it('no node is cordoned in our name without an operation on record that says so', async () => {
    for (const [who, { lab }] of [
      [people, stack],
      [hastyPeople, hasty],
    ] as const) {
      const listed = await (await who.of('requester')).callTool('listOperations', { limit: 200 });
      const { operations } = listed.output as unknown as { operations: Operation[] };
      expect(operations.filter(({ state }) => state === 'queued' || state === 'running')).toEqual([]);
      for (const { cluster } of lab.sites) {
        for (const { metadata, spec } of cluster.store.list('nodes')) {
          const owner = metadata.annotations?.[cordonOwner];
          const record = operations.find(({ id }) => id === owner)?.nodes.find(({ node }) => node === metadata.name);
          const told = [record?.state, record?.message.includes('stays cordoned')];
          if (owner) expect([metadata.name, spec.unschedulable, ...told]).toEqual([metadata.name, true, 'done', true]);
        }
      }
    }
  });

  it('every write that reached a cluster has its earlier intent and approval, and the custody log verifies', async () => {
    for (const [who, { lab }] of [
      [people, stack],
      [hastyPeople, hasty],
    ] as const) {
      const client = await who.of('requester');
      const effects = lab.effects.since();
      expect(effects.length).toBeGreaterThan(50);
      expect(unaccounted(effects, await custodyEntries(client))).toEqual([]);
      expect(await verifyRunning(client)).toMatchObject({ ok: true });
    }
  });
});

function makesSense(kind: Kind, budget: BudgetState): boolean {
  if ((forbiddenKinds as readonly Kind[]).includes(kind)) return budget === 'none'; // refused whatever counts them
  return (movedKinds as readonly Kind[]).includes(kind) || !budget.startsWith('unready'); // the others count as unready or never ask
}
