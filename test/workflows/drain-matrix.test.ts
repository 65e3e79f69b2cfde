/**
 * Every kind of pod, every state of a disruption budget and every fault that a drain meets, through the whole product.
 * One table says what must come of each.
 */
import Bottleneck from 'bottleneck';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cordonOwner } from '../../src/core/cluster-marks.ts';
import type { Operation } from '../../src/core/operation.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { check, done, endings, type Row, row } from '../support/drain-checks.ts';
import {
  type Fault,
  faults,
  killFaults,
  onCordon,
  onEvictions,
  shortDeadline,
  siteFaults,
} from '../support/drain-faults.ts';
import {
  type BudgetState,
  budgetStates,
  exemptKinds,
  forbiddenKinds,
  isPair,
  type Kind,
  kinds,
  movedKinds,
  type Place,
  pairKinds,
  stayingKinds,
} from '../support/drain-kinds.ts';
import { loggedIn, type People, type Played, play } from '../support/drain-play.ts';
import { policiesWithout } from '../support/edited-policies.ts';
import { reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';
import { verifyRunning } from '../support/verify.ts';

const pair = [...pairKinds];
const moved = movedKinds.filter(kind => !isPair(kind));
const exempt = [...exemptKinds];
const staying = [...stayingKinds];
const every = [...moved, ...exempt, ...staying];
const leaving = [...moved, ...exempt];
const few: Kind[] = ['deployment', 'statefulSet', 'claim'];
/** Each kind that a drain asks the API for in its own way, and one that it must not ask for. */
const asked: Kind[] = [...few, 'bare', 'emptyDir', 'orphan', 'pending', 'finished'];
const mixed: Kind[] = [...asked, 'daemonSet'];
const unready: Kind[] = ['deployment', 'claim', 'bare'];

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
  row(every,              'crashLoopLater', 'none',                    'given back',           /^(?!.*could not be evicted in time).* is in CrashLoopBackOff/, ['terminating']),
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
  row(mixed,              'none',           'throttled',               'drained',              done,             asked),
  row(few,                'freed',          'throttled',               'drained',              done,             few),
  row(mixed,              'none',           'throttled for long',      'drained',              done,             asked),
  row(mixed,              'allows',         '500 once',                'drained',              done,             asked),
  row(mixed,              'none',           '500 for a while',         'drained',              done,             asked),
  row(few,                'freed',          '500 for a while',         'drained',              done,             few),
  row(mixed,              'allows',         '503 once',                'drained',              done,             asked),
  row(mixed,              'none',           '503 for a while',         'drained',              done,             asked),
  row(mixed,              'allows',         '504 once',                'drained',              done,             asked),
  row(mixed,              'allows',         'request lost',            'drained',              done,             asked),
  row(mixed,              'freed',          'request lost for a while', 'drained',             done,             asked),
  row(mixed,              'none',           'answer lost',             'drained',              done,             asked),
  row(few,                'allows',         'answer lost',             'drained',              done,             few),
  row(few,                'freed',          'answer lost',             'drained',              done,             few),
  row(few,                'unreadyAlways',  'answer lost',             'drained',              done,             few),
  row(few,                'none',           'cordon 500',              'drained',              done,             few),
  row(few,                'none',           'cordon 503',              'drained',              done,             few),
  row(few,                'none',           'cordon request lost',     'drained',              done,             few),
  row(few,                'allows',         'cordon answer lost',      'drained',              done,             few),
  row(few,                'held',           'cordon and uncordon answers lost', 'given back',  blocked,          []),
  row(mixed,              'allows',         'slow',                    'drained',              done,             asked),
  row(mixed,              'freed',          'clocks apart',            'drained',              done,             asked),
  row(mixed,              'freed',          'partition',               'drained',              done,             asked),
  row(mixed,              'freed',          'restart',                 'drained',              done,             asked),
  row(few,                'held',           'long partition',          'given back',           /could not be evicted in time/, []),
  // The same where the budget asks for another way through:
  row(few,                'behind',         'throttled',               'drained',              done,             few),
  row(unready,            'unreadyWaits',   'throttled',               'drained',              done,             unready),
  row(unready,            'unreadyHealthy', 'throttled',               'drained',              done,             unready),
  row(few,                'behind',         '500 once',                'drained',              done,             few),
  row(unready,            'unreadyWaits',   '500 for a while',         'drained',              done,             unready),
  row(unready,            'unreadyHealthy', '500 for a while',         'drained',              done,             unready),
  row(few,                'behind',         '503 once',                'drained',              done,             few),
  row(unready,            'unreadyWaits',   '503 for a while',         'drained',              done,             unready),
  row(unready,            'unreadyHealthy', '503 for a while',         'drained',              done,             unready),
  row(few,                'behind',         'answer lost',             'drained',              done,             few),
  row(unready,            'unreadyWaits',   'answer lost',             'drained',              done,             unready),
  row(unready,            'unreadyHealthy', 'answer lost',             'drained',              done,             unready),
  row(few,                'behind',         'partition',               'drained',              done,             few),
  row(unready,            'unreadyWaits',   'partition',               'drained',              done,             unready),
  row(unready,            'unreadyHealthy', 'partition',               'drained',              done,             unready),
  // Two replicas under one budget go one at a time:
  row(pair,               'allows',         'none',                    'drained',              done,             pair),
  row(pair,               'allows',         '500 for a while',         'drained',              done,             pair),
  row(pair,               'allows',         'answer lost',             'drained',              done,             pair),
  row(pair,               'allows',         'throttled',               'drained',              done,             pair),
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
  row(few,                'freed',          'killed waiting',          'drained',              done, few),
  row(moved,              'none',           'killed amid evictions',   'drained',              done, moved),
  row(['finalizer', 'deployment'], 'allows', 'killed ending',          'drained',              done, ['finalizer', 'deployment']),
  row(few,                'held',           'killed waiting',          'given back',           blocked,          []),
  row(few,                'none',           'killed before the cordon', 'drained',              done, few),
  row(few,                'allows',         'killed after the cordon', 'drained',              done, few),
  row(mixed,              'held',           'killed, then cancelled',  'cancelled',            stopped,          ['pending', 'finished']),
  row(few,                'held',           'killed before the uncordon', 'cancelled',          stopped,          []),
  row(few,                'held',           'killed after the uncordon', 'cancelled',           stopped,          []),
];

function titleOf({ pods, budget, fault, ends }: Row): string {
  const many = pods.length > 3 ? `${pods.length} kinds` : pods.join(', ');
  return `${many}; budget ${budget}; fault ${fault}: ${ends}`;
}

/** Where the whole site is hit, or the deadline is short so that it can be waited for, or must not be. */
function needsShortDeadline({ budget, fault, ends }: Row): boolean {
  if (budget === 'behind' || budget === 'crashLoopLater' || isSiteFault(fault)) return true;
  const late = budget === 'held' && (ends === 'given back' || ends === 'left to them');
  return (late && fault !== 'uncordoned by somebody') || fault === 'detach stuck' || fault === 'finalizer stuck';
}

function isSiteFault(fault: Fault): boolean {
  return (siteFaults as readonly string[]).includes(fault);
}

const [hurried, patient] = parted(table, needsShortDeadline);
const [killedHurried, killedPatient] = parted(killed, needsShortDeadline);
const [alone, together] = parted(hurried, isAlone);
const spares = 10;
/** Nodes of one site of the hurried stack, one of which is spare. */
const hurriedWorkers = 4;

/** Rows that hit a whole site come there one after the other. The last site is for rows whose service dies. */
const aloneSites = chunks(alone, hurriedWorkers - 1);
const hurriedSites = [...aloneSites, ...chunks(together, hurriedWorkers - 1), killedHurried];

function parted(rows: Row[], is: (each: Row) => boolean): [Row[], Row[]] {
  return [rows.filter(is), rows.filter(each => !is(each))];
}

function chunks(rows: Row[], size: number): Row[][] {
  return rows.flatMap((_, index) => (index % size === 0 ? [rows.slice(index, index + size)] : []));
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
  const workers = patient.length + killedPatient.length + spares;
  [stack, hasty] = await Promise.all([
    startMatrix({ addressBase: '127.67', sites: 1, workers }),
    startMatrix({ addressBase: '127.68', sites: hurriedSites.length, workers: hurriedWorkers }, shortDeadline),
  ]);
  people = loggedIn(stack);
  hastyPeople = loggedIn(hasty);
  const few = new Bottleneck({ maxConcurrent: 14 });
  /** Answers when it is over, well or not: what came of it is told by the row's own test. */
  const begin = (each: Row, who: People, { place, after }: { place: Place; after?: Promise<unknown> }) => {
    const wanted = { kinds: each.pods, budget: each.budget, fault: each.fault };
    const result = Promise.resolve(after).then(() => few.schedule(() => play(who, place, wanted)));
    played.set(each, result);
    return result.catch(() => undefined);
  };
  const inTurn = async (rows: Row[], who: People, { places, after }: { places: Place[]; after?: Promise<unknown> }) => {
    let last = after ?? Promise.resolve();
    for (const [index, each] of rows.entries()) last = begin(each, who, { place: places[index] as Place, after: last });
    await last;
  };
  const hastyRows: Promise<unknown>[] = hurriedSites.slice(0, -1).flatMap((rows, site): Promise<unknown>[] => {
    const places = rows.map((_, index) => placeOf(hasty, site, index));
    if (site < aloneSites.length) return [inTurn(rows, hastyPeople, { places })];
    return rows.map((each, index) => begin(each, hastyPeople, { place: places[index] as Place }));
  });
  const patientRows = patient.map((each, index) => begin(each, people, { place: placeOf(stack, 0, index) }));
  void inTurn(killedHurried, hastyPeople, {
    places: killedHurried.map((_, index) => placeOf(hasty, hurriedSites.length - 1, index)),
    after: Promise.all(hastyRows),
  });
  void inTurn(killedPatient, people, {
    places: killedPatient.map((_, index) => placeOf(stack, 0, patient.length + index)),
    after: Promise.all(patientRows),
  });
});

afterAll(async () => {
  await Promise.allSettled(played.values());
  await Promise.all([stack?.close(), hasty?.close()]);
});

async function startMatrix(
  size: { addressBase: string; sites: number; workers: number },
  drainTimeout?: string,
): Promise<Stack> {
  // Rows drain whole clusters at once, each as if it were alone.
  const policies = policiesWithout('last-of-its-kind-is-critical', 'undeclared-outage');
  const started = await startStack({ ...size, speed: 20, policies });
  await reconfigure(started, document => {
    document.rollout.pollInterval = '500ms';
    document.approvals = { maxPendingPerPerson: 100 };
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
  for (const each of killed)
    it(titleOf(each), { timeout: 240_000 }, async () => {
      const result = await played.get(each);
      if (!result) throw new Error('the row was not played');
      check(each, result);
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
    expect(new Set(killed.map(each => each.fault))).toEqual(new Set(killFaults));
    expect(new Set(rows.map(each => each.ends))).toEqual(new Set(Object.keys(endings)));
    expect(new Set(rows.map(titleOf)).size).toBe(rows.length);
  });

  it('the table holds every fault with each kind that it meets, and those of the API with each budget that pods pass in another way', () => {
    const rows = [...table, ...killed];
    const unmet = faults.flatMap(fault =>
      meets(fault)
        .filter(kind => !rows.some(each => each.fault === fault && each.pods.includes(kind)))
        .map(kind => `${fault} × ${kind}`),
    );
    const unpassed = ofTheApi.flatMap(some =>
      passes
        .filter(budget => !rows.some(each => some.includes(each.fault) && each.budget === budget))
        .map(budget => `${some[0]} × ${budget}`),
    );
    expect([unmet, unpassed]).toEqual([[], []]);
  });

  it('no node is cordoned in our name without an operation on record that says so', async () => {
    for (const [who, { lab }] of [
      [people, stack],
      [hastyPeople, hasty],
    ] as const) {
      const client = await who.of('requester');
      const listed = await client.callTool('listOperations', { limit: 200 });
      const operations: Operation[] = [];
      for (const { id } of (listed.output as { operations: { id: string }[] }).operations)
        operations.push((await client.callTool('getOperation', { operation: id })).output as unknown as Operation);
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

/** Of the same sort, the one or the other. */
const ofTheApi: Fault[][] = [
  ['throttled'],
  ['500 once', '500 for a while'],
  ['503 once', '503 for a while'],
  ['answer lost'],
  ['partition'],
];
const passes: BudgetState[] = ['behind', 'unreadyWaits', 'unreadyHealthy'];

/**
 * The kinds that a fault meets in a way of their own. Pods with a hostPath, a finalizer or a priority are asked for like
 * those of any Deployment; of mirror pods, and of those that end already, nothing is asked at all.
 */
function meets(fault: Fault): Kind[] {
  if (fault in onEvictions) return mixed;
  if (fault in onCordon) return few; // no pod was looked at yet
  switch (fault) {
    case 'none':
      return kinds;
    case 'slow':
    case 'clocks apart':
    case 'partition':
    case 'restart':
    case 'killed, then cancelled':
      return mixed;
    case 'cancelled waiting':
      return every;
    case 'killed amid evictions':
      return moved;
    case 'slow detach':
    case 'detach fails for a while':
    case 'detach stuck':
      return ['claim'];
    case 'finalizer stuck':
    case 'cancelled ending':
    case 'killed ending':
      return ['finalizer'];
    case 'replaced meanwhile':
      return ['statefulSet']; // the only name that comes back
    default:
      return few; // it is the node, the service or all pods that are hit, whatever they are
  }
}

function makesSense(kind: Kind, budget: BudgetState): boolean {
  if (isPair(kind)) return budget === 'allows'; // in every other state it is a pod like others
  if ((forbiddenKinds as readonly Kind[]).includes(kind)) return budget === 'none'; // refused whatever counts them
  return (movedKinds as readonly Kind[]).includes(kind) || !budget.startsWith('unready'); // the others count as unready or never ask
}
