/** A process that lost its way to the database while another one finished its work, and then finds it again: it takes, shows and gives back nothing. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type WorkerDatabase } from '../../src/adapters/postgres/database.ts';
import type { Cluster } from '../../src/core/cluster.ts';
import type { Flow } from '../../src/core/flow.ts';
import type { Records } from '../../src/core/records.ts';
import { holdBudgets } from '../../src/operations/hold-budgets.ts';
import { type NodeJob, openJob, type Parts } from '../../src/operations/job.ts';
import { nodeWorkflow } from '../../src/workflows/node-steps.ts';
import { type DatabaseWay, databaseWay } from '../support/database-way.ts';
import { approvedOperation, type GuardScene, guardScene, leases, refusal } from '../support/guard.ts';
import { eventually } from '../support/stack.ts';

let scene: GuardScene;
let way: DatabaseWay;
let cutOff: WorkerDatabase;
let heir: WorkerDatabase;
let operation: string;
/** Nodes whose images are withdrawn. */
let withdrawn: string[];

beforeEach(async () => {
  scene = await guardScene();
  operation = await approvedOperation(scene);
  withdrawn = [];
  way = await databaseWay(scene.url);
  cutOff = await openDatabase(way.url, { lock: true });
  heir = await openDatabase(scene.url, { lock: true });
});
afterEach(async () => {
  await cutOff?.close();
  await way?.close();
  await heir?.close();
  await scene?.close();
});

const pods = [{ namespace: 'shop', name: 'web-1', node: 'w-1', labels: { app: 'web' }, phase: 'Running' }];
const pdbs = [{ namespace: 'shop', name: 'web', selector: { matchLabels: { app: 'web' } } }];
const cluster = { pods: async () => pods, pdbs: async () => pdbs } as unknown as Cluster;

function partsOver(records: Records): Parts {
  return {
    records,
    clusters: { of: () => cluster },
    bmcs: { of: () => undefined },
    images: { withdraw: async ({ node }: { node: string }) => void withdrawn.push(node) },
    timings: { pollMs: 60_000 },
  } as unknown as Parts;
}

const jobOver = (records: Records): Promise<NodeJob> => openJob(partsOver(records), operation, 'w-1');
const later = () => Date.now() + 3_600_000;

/** The other one finds it gone and does its work, and its way to the database comes back, before it knows. */
async function replaced(): Promise<void> {
  await way.sever();
  await eventually('it to be found gone', async () =>
    (await heir.life.endDead()).includes(cutOff.life.executor) ? true : undefined,
  );
  await nodeWorkflow('node', partsOver(heir), async () => ({ state: 'done', message: 'updated' })).run(atOnce, {
    node: 'w-1',
  });
  await way.restore();
}

/** Runs every step, and keeps no journal. */
const atOnce: Flow = {
  get operation() {
    return operation;
  },
  step: (_name, run) => run(),
  sleep: async () => {},
  patch: async () => true,
  child: () => Promise.reject(new Error('a node has no children')),
};

const held = async () => (await scene.admin.query('select key, holder from lease order by key')).rows;
const state = async () => (await scene.records.operations.part(operation, 'w-1'))?.state;

describe('one that is replaced', () => {
  it('holds the budgets of a node while it lives, and takes none afterwards', async () => {
    await holdBudgets(await jobOver(cutOff), later());
    expect(await held()).toContainEqual({ key: 'pdb:boston/shop/web', holder: `${operation}/w-1` });
    await replaced();
    expect(await held()).toEqual([]);
    expect(await refusal(jobOver(cutOff).then(job => holdBudgets(job, later())))).toMatchObject({ code: 'conflict' });
    expect(await held()).toEqual([]);
  });

  it('does not show at work what has ended, nor what its heir has in hand', async () => {
    const job = await jobOver(cutOff);
    await job.begin('budgets');
    expect(await state()).toBe('running');
    await replaced();
    await job.begin('budgets');
    await job.report('budgets', 'progress', 'in use');
    expect(await scene.records.operations.part(operation, 'w-1')).toMatchObject({ state: 'done', step: 'done' });
    await scene.records.operations.setNode(operation, { node: 'w-1', state: 'running', step: 'flash', message: '' });
    await job.begin('budgets');
    expect(await scene.records.operations.part(operation, 'w-1')).toMatchObject({ state: 'running', step: 'flash' });
  });

  it('ends no node, and gives back nothing that the next one holds', async () => {
    await replaced();
    await heir.transaction(tx => tx.leases.take(leases, operation));
    withdrawn = [];
    const refused: string[] = [];
    const late: Records = {
      ...cutOff,
      transaction: work =>
        cutOff.transaction(work).catch(thrown => {
          refused.push(thrown.code);
          throw thrown;
        }),
    };
    const failing = nodeWorkflow('node', partsOver(late), async () => ({ state: 'failed', message: 'cut off' }));
    const flow = { ...atOnce, operation };
    const over = failing.run(flow, { node: 'w-1' }).then(() => 'ended');
    const tried = eventually('its lease and its end to be refused', async () =>
      refused.length >= 2 ? 'refused' : undefined,
    );
    expect(await Promise.race([over, tried])).toBe('refused');
    expect(new Set(refused)).toEqual(new Set(['conflict']));
    expect([await state(), withdrawn]).toEqual(['done', []]);
    expect((await held()).map(({ key }) => key)).toEqual([...leases].sort());
  });
});

it('a node that has ended is shown at work by nobody, though its process lives', async () => {
  const job = await jobOver(heir);
  await job.begin('flash');
  expect(await state()).toBe('running');
  await scene.records.operations.setNode(operation, { node: 'w-1', state: 'failed', step: 'flash', message: '' });
  await job.begin('verify');
  expect(await scene.records.operations.part(operation, 'w-1')).toMatchObject({ state: 'failed', step: 'flash' });
});

describe('a lease', () => {
  it('of a node is free once its part has ended, and one of an operation once that has', async () => {
    const { leases: store, operations } = scene.records;
    expect(await store.take(['pdb:a'], `${operation}/w-1`)).toEqual({ taken: true });
    expect(await store.take(['pdb:a'], 'op-2/w-2')).toEqual({ taken: false, key: 'pdb:a', holder: `${operation}/w-1` });
    await operations.setNode(operation, { node: 'w-1', state: 'failed', step: '', message: '' });
    expect(await store.take(['pdb:a'], 'op-2/w-2')).toEqual({ taken: true });
    expect(await store.take(['pdb:a'], 'op-3/w-3')).toMatchObject({ taken: false, holder: 'op-2/w-2' });

    expect(await store.take(leases, 'op-2')).toMatchObject({ taken: false, holder: operation });
    await operations.transition(operation, ['running'], 'halted', '');
    expect(await store.take(leases, 'op-2')).toEqual({ taken: true });
    expect(await store.holds(leases, operation)).toBe(false);
  });
});
