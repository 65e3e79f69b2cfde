/** When the records fail, or two operations meet: less happens, never more, and everything comes to an end. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import {
  approve,
  blockedDrain,
  ended,
  isCordoned,
  pinned,
  planFlash,
  reached,
  reconfigure,
  siteOf,
} from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';
import { verifyRunning } from '../support/verify.ts';

let stack: Stack;
let admin: pg.Client;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.54', sites: 2, workers: 3, speed: 60 });
  await reconfigure(stack, ({ rollout, sites }) => {
    rollout.stallLimit = '10m'; // a transfer that is held must not pass for one that is stuck
    for (const { budget } of sites.flatMap(site => site.clusters)) budget.maxUnavailable = 1;
  });
  admin = new pg.Client({ connectionString: stack.databaseUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await stack?.close();
});

/** The custody log takes nothing; what it refused of the ends of operations is counted, outside any transaction. */
async function stopCustody(): Promise<void> {
  await admin.query('create sequence refused_ends minvalue 0 start 0');
  await admin.query("select nextval('refused_ends')");
  await admin.query(`create function refuse_entry() returns trigger language plpgsql as $$ begin
    if convert_from(new.bytes, 'UTF8') like '%"type":"operation"%' then perform nextval('refused_ends'); end if;
    raise exception 'no space left'; end $$`);
  await admin.query(
    'create trigger refuse_all before insert on custody_entry for each row execute function refuse_entry()',
  );
}

/** An effect of an operation that has ended is open again, as versions before left some. Answers its intent. */
async function leftByEarlierVersion(): Promise<number> {
  const { rows } = await admin.query(`update effect set state = 'open' where intent = (select min(intent) from effect
    join operation on operation.id = effect.operation where operation.ended_at is not null) returning intent`);
  return Number(rows[0].intent);
}

async function imageUrlOf(operation: string, node: string): Promise<string> {
  const { rows } = await admin.query('select token from image_token where operation = $1', [operation]);
  return `http://${new URL(siteOf(stack, node).cluster.url).hostname}:8080/${rows[0].token}/image.bin`;
}

describe('while the custody log takes no entries', () => {
  it('an update that was begun is not reset, uncordoned or called done; afterwards the operation ends and says so', async () => {
    const node = 'bos-w-1';
    const { server } = stack.lab.node(node);
    server.faults.set({ kind: 'update-stalls', stage: 'download' });
    const operation = await approve(stack, await planFlash(stack, node));
    const client = await stack.client('requester');
    const news = async () => (await client.operationEvents(operation, { after: 0, waitMs: 0 })).events;
    await eventually('the transfer to be followed', async () =>
      (await news()).find(event => event.step === '1-bios/transfer'),
    );
    await stopCustody();
    server.faults.clear('update-stalls');
    await eventually('the reset to be refused', async () =>
      (await news()).find(event => event.step === '1-bios/reset' && event.status === 'failed'),
    );
    expect((await client.operationEvents(operation, { after: 0, waitMs: 0 })).operation.state).toBe('running');
    await eventually('the end to be asked for again', async () => {
      const { rows } = await admin.query('select last_value::int as refused from refused_ends');
      return rows[0].refused > 1 ? true : undefined;
    });
    await admin.query('drop trigger refuse_all on custody_entry');
    const { state, nodes } = await ended(stack, operation);
    expect([state, nodes[0]?.state]).toEqual(['halted', 'failed']);
    expect([reached(stack, node).slice(0, 2), reached(stack, node).includes('reset')]).toEqual([
      ['cordon', 'flash'],
      false,
    ]);
    expect(isCordoned(stack, node)).toBe(true);
    expect((await admin.query('select * from lease')).rows).toEqual([]);
  });

  it('no address of an ended operation serves its image', async () => {
    const { rows } = await admin.query('select operation from image_token');
    const answer = await fetch(await imageUrlOf(rows[0].operation, 'bos-w-1'));
    expect(answer.status).toBe(410);
  });
});

describe('two operations', () => {
  it('that begin at the same moment under a budget of one never have two nodes out', async () => {
    const [one, two] = ['chi-w-1', 'chi-w-2'];
    const plans = [await planFlash(stack, one), await planFlash(stack, two)];
    // Slow BMCs hold them before the cordon, then the custody log holds whichever came first; the other sees it at work and waits.
    for (const node of [one, two]) stack.lab.node(node).server.faults.set({ kind: 'slow', ms: 600 });
    const operations = await Promise.all(plans.map(plan => approve(stack, plan)));
    const holder = new pg.Client({ connectionString: stack.databaseUrl });
    await holder.connect();
    await holder.query('begin');
    await holder.query('select * from custody_head for update');
    expect(reached(stack, one).concat(reached(stack, two))).toEqual([]);
    await eventually('one to wait for the custody log', async () => {
      const { rows } = await admin.query(
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%custody_append%' and datname = current_database()",
      );
      return rows.length >= 1 ? true : undefined;
    });
    await holder.end();
    for (const node of [one, two]) stack.lab.node(node).server.faults.clear('slow');
    const ends = await Promise.all(operations.map(operation => ended(stack, operation)));
    const out = new Set<string>();
    let most = 0;
    for (const { path, body, status } of stack.lab.effects.since()) {
      const [, node] = /^\/api\/v1\/nodes\/(chi-[^/]*)$/.exec(path) ?? [];
      if (!node || status >= 300) continue;
      if (JSON.stringify(body).includes('"unschedulable":false')) out.delete(node);
      else out.add(node);
      most = Math.max(most, out.size);
    }
    expect(most).toBeLessThanOrEqual(1);
    expect(ends.map(({ state }) => state)).toContain('done');
  });
});

describe('a service that is killed while evictions are under way', () => {
  it('leaves no intent without an outcome once the next one is done', async () => {
    const { node, unpin } = await pinned(siteOf(stack, 'chi-w-1'));
    const operation = await approve(stack, await planFlash(stack, node));
    await blockedDrain(stack, operation);
    await stack.kill();
    unpin(); // and the pod leaves by itself while nobody looks, so that no list of pods names it any more
    const { store } = siteOf(stack, node).cluster;
    const pod = store.list('pods').find(each => each.metadata.labels?.app === 'single');
    store.remove('pods', { namespace: 'media', name: pod?.metadata.name ?? '' });
    const left = await leftByEarlierVersion();
    await stack.start();
    expect((await ended(stack, operation)).state).toBe('done');
    const client = await stack.client('requester');
    const concluded = await eventually('what an ended operation left open to be concluded', async () =>
      (await custodyEntries(client)).find(entry => entry.type === 'effect.reconciled' && entry.intent === left),
    );
    expect(concluded).toMatchObject({ finding: 'ambiguous', actor: { sub: 'service' } });
    const entries = await custodyEntries(client);
    const ends = new Set(entries.flatMap(entry => ('intent' in entry ? [entry.intent] : [])));
    const open = entries.filter(entry => entry.type === 'effect.intent' && !ends.has(entry.seq));
    expect(open.filter(entry => 'operation' in entry && entry.operation === operation)).toEqual([]);
    expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
    expect(await verifyRunning(client)).toMatchObject({ ok: true });
  });
});
