/** Three services over one database: one serves, all work, and what one leaves behind another finishes. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChild } from '../../src/demo/child.ts';
import { changes, custodyEntries, unaccounted } from '../support/audit.ts';
import { approve, ended, planFlash, reached } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';
import { verifyRunning } from '../support/verify.ts';

let stack: Stack;
let admin: pg.Client;
const others: Promise<unknown>[] = [];

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.90', workers: 2, speed: 120 });
  admin = new pg.Client({ connectionString: stack.databaseUrl });
  await admin.connect();
  const env = { GROUNDSKEEPER_TEST_DATABASE: stack.databaseUrl };
  const args = ['--config', stack.config.file, '--log-level', 'error'];
  others.push(startChild(['worker', ...args], env), startChild(['worker', ...args], env));
  await Promise.all(others);
});
afterAll(async () => {
  const { rows } = await admin.query('select id from executor');
  for (const pid of rows.map(({ id }) => pidOf(id))) if (pid !== stack.service().pid) end(pid, 'SIGKILL');
  await admin?.end();
  await stack?.close();
});

async function living(): Promise<number[]> {
  const { rows } = await admin.query('select id from executor where ended_at is null order by began_at');
  return rows.map(({ id }) => pidOf(id));
}

/** The process that has this node's part of the operation in hand. */
async function workerOf(operation: string, node: string): Promise<number> {
  const { rows } = await admin.query('select executor_id from dbos.workflow_status where workflow_uuid = $1', [
    `${operation}/${node}`,
  ]);
  return pidOf(rows[0].executor_id);
}

function pidOf(executor: string): number {
  return Number(executor.split('-').at(-2));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function end(pid: number, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended before.
  }
}

/** An update that waits for its host to come back, and the process that has it in hand: it may be the service, too. */
async function updateInHand(node: string): Promise<{ operation: string; pid: number }> {
  const operation = await approve(stack, await planFlash(stack, node));
  await eventually('the reset', async () => (reached(stack, node).includes('reset') ? true : undefined));
  return { operation, pid: await workerOf(operation, node) };
}

/** Does what the server does by itself after ten seconds without a word from a process: ends its lock, and its open transactions. */
async function silenced(pid: number): Promise<void> {
  await delay(500);
  await admin.query(
    `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objsubid = 2
     and objid::bigint = (select hashtext(id)::bigint & 4294967295 from executor where id like '%-' || $1::text || '-%')`,
    [pid],
  );
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and state = 'idle in transaction' and state_change < now() - interval '400 ms'`,
  );
}

async function takenOver(operation: string, node: string, from: number): Promise<void> {
  await eventually('another process to take over', async () =>
    (await workerOf(operation, node)) === from ? undefined : true,
  );
}

async function expectOneUpdate(operation: string, node: string): Promise<void> {
  expect(await ended(stack, operation)).toMatchObject({ state: 'done', reason: 'every node is done' });
  expect(reached(stack, node)).toEqual(['cordon', 'flash', 'reset', 'uncordon']);
}

describe('an update in the hands of one of three processes', () => {
  it('that is killed is finished by another, without a second flash', async () => {
    const { operation, pid } = await updateInHand('bos-w-1');
    const wasService = pid === stack.service().pid;
    end(pid, 'SIGKILL');
    await takenOver(operation, 'bos-w-1', pid);
    if (wasService) await stack.start();
    await expectOneUpdate(operation, 'bos-w-1');
  });

  it('that hangs, and wakes when another has taken over, is done by the other alone; the one that hung ends itself', async () => {
    const { operation, pid } = await updateInHand('bos-w-2');
    const wasService = pid === stack.service().pid;
    end(pid, 'SIGSTOP');
    await silenced(pid);
    await takenOver(operation, 'bos-w-2', pid);
    end(pid, 'SIGCONT');
    await eventually('the one that hung to end', async () => (isRunning(pid) ? undefined : true));
    if (wasService) await stack.start();
    await expectOneUpdate(operation, 'bos-w-2');
  });

  it('leaves a record that verifies, and no session of the dead', async () => {
    const client = await stack.client('requester');
    expect(unaccounted(changes(stack.lab.effects.since()), await custodyEntries(client))).toEqual([]);
    expect(await verifyRunning(client)).toMatchObject({ ok: true });
    const alive = (await admin.query('select id from executor where ended_at is null')).rows.map(({ id }) => id);
    await eventually('sessions of the dead to be closed', async () => {
      const { rows } = await admin.query('select from bmc_session where not executor = any($1)', [alive]);
      return rows.length === 0 ? true : undefined;
    });
  });
});

describe('a second service', () => {
  it('waits for its turn, and serves when the first is gone', async () => {
    const env = { GROUNDSKEEPER_TEST_DATABASE: stack.databaseUrl };
    const before = await living();
    const standby = startChild<{ url: string }>(['serve', '--config', stack.config.file, '--log-level', 'error'], env);
    await eventually('it to work', async () => ((await living()).length > before.length ? true : undefined));
    await stack.kill();
    const { ready, stop } = await standby;
    expect((await fetch(ready.url)).status).toBeLessThan(500);
    await stop();
    await stack.start();
  });
});
