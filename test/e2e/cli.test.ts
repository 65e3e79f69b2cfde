import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Approval } from '../../src/core/approval.ts';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Operation } from '../../src/core/operation.ts';
import type { Plan } from '../../src/core/plan.ts';
import { commandLine } from '../../src/gateway/command-form.ts';
import { catalog } from '../../tools/index.ts';
import { changes, isHandOver } from '../support/audit.ts';
import { openShell, processesNaming, type Ran, type Shell, type Started } from '../support/program.ts';
import { reached } from '../support/rollout.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
/** Two people at two machines. */
let asker: Shell;
let voter: Shell;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.43' });
  const url = () => stack.service().ready.url;
  [asker, voter] = [await openShell(url), await openShell(url)];
});
afterAll(async () => {
  await asker?.close();
  await voter?.close();
  await stack?.close();
});

/** What it printed, after checking that it went well. */
async function ok(ran: Promise<Ran>): Promise<string> {
  const { code, stdout, stderr } = await ran;
  expect(code, stdout + stderr).toBe(0);
  expect(stderr).toBe('');
  return stdout;
}

async function json<T>(shell: Shell, ...args: string[]): Promise<T> {
  return JSON.parse(await ok(shell.run([...args, '--json']))) as T;
}

function effects(): number {
  return changes(stack.lab.effects.since()).length;
}

describe('logging in', () => {
  it('keeps the token where only its user can read it, and shows the passphrase nowhere', async () => {
    for (const [shell, who, name] of [
      [asker, 'requester', 'day-shift'],
      [voter, 'approver', 'night-shift'],
    ] as const) {
      const file = await shell.fileWith(stack.passphrase(who));
      const said = await ok(shell.run(['login', '--name', name, '--passphrase-file', file]));
      expect(said.replace(/\s+/g, ' ')).toMatch(
        new RegExp(`^Logged in to http://127\\.0\\.0\\.1:\\d+ as ${name} \\(execute\\)`),
      );
      const kept = join(shell.home, 'groundskeeper', 'token.json');
      expect((await stat(kept)).mode & 0o777).toBe(0o600);
      expect((await stat(dirname(kept))).mode & 0o777).toBe(0o700);
      expect(said + (await readFile(kept, 'utf8'))).not.toContain(stack.passphrase(who));
      expect(await ok(shell.run(['whoami']))).toContain(name);
    }
  });
});

describe('looking', () => {
  it('shows the fleet to people and to programs', async () => {
    const page = await ok(asker.run(['get-fleet-overview']));
    for (const node of ['bos-cp-1', 'bos-w-1', 'bos-w-4']) expect(page).toContain(node);
    expect(page).toContain('Pending approvals');
    const overview = await json<{ sites: { site: string; nodes: { health: string }[] }[] }>(
      asker,
      'get-fleet-overview',
    );
    expect(overview.sites.map(site => site.site)).toEqual(['boston']);
    expect(overview.sites[0]?.nodes.map(node => node.health)).toEqual(Array(7).fill('ok'));
  });

  it('runs every example of the reference against the demo fleet', async () => {
    const ids = catalog.filter(tool =>
      Object.values(tool.example).some(value => /(plan|apr|op|fnd|web)-0123456789/.test(String(value))),
    );
    expect(ids.map(tool => tool.name).sort()).toEqual([
      'acknowledgeFinding',
      'cancelOperation',
      'explainPodFailure',
      'getApproval',
      'getOperation',
      'getPlan',
      'pauseOperation',
      'planRollback',
      'startPlan',
    ]);
    // Nothing is cordoned yet, so there is nothing that could be taken back.
    const runnable = catalog.filter(tool => !ids.includes(tool) && tool.name !== 'uncordonNode');
    for (const tool of runnable) {
      const [, ...words] = commandLine(tool, tool.example).split(' ');
      const answer = await json<Record<string, unknown>>(
        asker,
        ...words,
        ...(tool.kind === 'change' ? ['--dry-run'] : []),
      );
      if (tool.kind === 'change') expect(answer, tool.name).toMatchObject({ status: 'planned' });
    }
    expect(effects()).toBe(0);
  });
});

describe('a freeze', () => {
  it('that an example made denies every change, shows, and is lifted by a passphrase alone', async () => {
    const { freezes } = await json<{ freezes: { id: string }[] }>(asker, 'get-fleet-overview');
    expect(freezes).toHaveLength(1);
    const [{ id } = { id: '' }] = freezes;
    expect(await ok(asker.run(['get-fleet-overview']))).toContain(`Frozen: the site boston, by day-shift`);
    const denied = await asker.run(['drain-node', 'bos-w-1', '--delete-empty-dir', '--json']);
    expect(denied.code, 'a denial is told from a failure').toBe(3);
    expect(JSON.parse(denied.stdout)).toMatchObject({ status: 'denied', reasons: [expect.stringContaining('frozen')] });
    expect((await asker.run(['unfreeze', id, '--reason', 'over'])).code, 'nobody is at the keyboard').not.toBe(0);
    const file = await voter.fileWith(stack.passphrase('approver'));
    const said = await ok(voter.run(['unfreeze', id, '--reason', 'over', '--passphrase-file', file]));
    expect(said).toContain('Lifted: the site boston may change again.');
    expect((await json<{ freezes: object[] }>(asker, 'get-fleet-overview')).freezes).toEqual([]);
    expect(effects()).toBe(0);
  });
});

describe('a firmware update from the command line', () => {
  let plan: Plan;
  let digest: string;
  let approval: string;
  let operation: string;

  it('is planned, and stays a plan until somebody asks', async () => {
    ({ plan, digest } = await json<{ plan: Plan; digest: string }>(
      asker,
      ...['plan-firmware-rollout', 'boston', '--nodes', 'bos-w-2', '--nodes', 'bos-w-3', '--delete-empty-dir'],
    ));
    expect(plan.waves).toEqual([['bos-w-2'], ['bos-w-3']]);
    const shown = await ok(asker.run(['get-plan', plan.id]));
    expect(shown).toContain('bos-w-3');
    expect(shown).toContain(`start-plan ${plan.id}`);
    const dry = await json<ChangeAnswer>(asker, 'drain-node', 'bos-w-1', '--delete-empty-dir', '--dry-run');
    expect(dry).toMatchObject({ status: 'planned', summary: expect.stringContaining('bos-w-1') });
    expect(await json(voter, 'approvals', 'list')).toEqual({ approvals: [] });
    expect(effects()).toBe(0);
  });

  it('waits for another person, who reads the very plan', async () => {
    const answer = await json<ChangeAnswer>(asker, 'start-plan', plan.id, digest);
    expect(answer.status).toBe('approval_required');
    approval = answer.approval ?? '';
    expect(await ok(voter.run(['approvals', 'list']))).toContain(approval);
    const { approvals } = await json<{ approvals: Approval[] }>(voter, 'approvals', 'list');
    expect(approvals).toMatchObject([{ id: approval, digest, requester: 'day-shift', state: 'pending', votes: [] }]);
    const page = await ok(voter.run(['approvals', 'show', approval]));
    for (const text of ['bos-w-2', 'bos-w-3', digest.slice(7, 19), 'day-shift']) expect(page).toContain(text);
    const shown = await json<{ plan: Plan; digest: string }>(voter, 'approvals', 'show', approval);
    expect(shown).toMatchObject({ plan, digest });
    expect(effects()).toBe(0);
  });

  it('starts with the vote, and can be watched; Ctrl-C ends the watching alone', async () => {
    const file = await voter.fileWith(stack.passphrase('approver'));
    const said = await ok(
      voter.run([
        'approvals',
        'approve',
        approval,
        '--digest',
        digest,
        '--reason',
        'window',
        '--passphrase-file',
        file,
      ]),
    );
    expect(said).toContain('bos-w-2');
    [, operation = ''] = said.match(/Operation (op-[a-z0-9]+) has started/) ?? [];
    expect(operation).not.toBe('');

    const glance = asker.start(['get-operation', operation, '--watch']);
    await glance.says(/bos-w-2/);
    glance.interrupt();
    const left = await glance.ended;
    expect(left).toMatchObject({ code: 0, stderr: expect.stringContaining('the operation goes on') });

    const watched = await ok(asker.run(['get-operation', operation, '--watch']));
    expect(watched).toMatch(new RegExp(`operation ${operation} done`));
    const ended = await json<Operation>(asker, 'get-operation', operation);
    expect(ended.nodes.map(({ node, state }) => `${node} ${state}`)).toEqual(['bos-w-2 done', 'bos-w-3 done']);
    for (const { node } of plan.targets) expect(reached(stack, node)).toEqual(['cordon', 'flash', 'reset', 'uncordon']);
    const { operations } = await json<{ operations: object[] }>(asker, 'list-operations');
    expect(operations).toMatchObject([{ id: operation, nodes: { done: 2 } }]);
    expect(await ok(asker.run(['list-operations']))).toContain('2 of 2 done');
  });

  it('is watched to its last event, though thousands were told', async () => {
    const database = new pg.Client({ connectionString: stack.databaseUrl });
    await database.connect();
    await database.query(
      `insert into operation_event (operation, key, node, step, status, message)
       select $1, 'many-' || n, 'bos-w-2', 'drain', 'progress', 'pod ' || n || ' waits' from generate_series(1, 1000) n`,
      [operation],
    );
    await database.end();
    const watched = await ok(asker.run(['get-operation', operation, '--watch']));
    const pods = [...watched.matchAll(/pod (\d+) waits/g)].map(([, n]) => Number(n));
    expect(pods).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
  });

  it('may be rejected, with a reason for everybody', async () => {
    const before = effects();
    const asked = await json<ChangeAnswer>(asker, 'cordon-node', 'bos-w-1');
    const file = await voter.fileWith(stack.passphrase('approver'));
    const words = ['approvals', 'reject', asked.approval ?? '', '--reason', 'not today', '--passphrase-file', file];
    expect(await ok(voter.run(words))).toContain('is rejected');
    expect(await ok(asker.run(['approvals', 'show', asked.approval ?? '']))).toContain('not today');
    expect(effects()).toBe(before);
  });

  it('takes a request back for who made it, and breaks no glass for who may not', async () => {
    const before = effects();
    const again = await json<ChangeAnswer>(asker, 'cordon-node', 'bos-w-1');
    const own = await asker.fileWith(stack.passphrase('requester'));
    const back = ['approvals', 'revoke', again.approval ?? '', '--reason', 'not needed', '--passphrase-file', own];
    expect(await ok(asker.run(back))).toContain('is revoked');
    const emergency = ['approvals', 'break-glass', again.approval ?? '', '--reason', 'fire', '--passphrase-file', own];
    const refused = await asker.run(emergency);
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('approvals.breakGlassGroup')]);
    expect(effects()).toBe(before);
  });
});

describe('the custody log', () => {
  it('verifies, is exported, and one changed byte of the export is found', async () => {
    expect(await ok(asker.run(['custody', 'verify']))).toContain('verifies: nothing was changed');
    expect((await ok(asker.run(['custody', 'verify']))).replace(/\s+/g, ' ')).toContain(
      'also held against what was verified here',
    );
    const entries = await json<{ size: number; entries: { entry: { type: string } }[] }>(
      asker,
      'custody',
      'show',
      '--limit',
      '1000',
    );
    expect(entries.entries.filter(({ entry }) => entry.type === 'vote')).toHaveLength(2);
    await ok(asker.run(['custody', 'export', 'taken']));
    const file = join(asker.home, 'taken', 'entries.ndjson');
    const bytes = await readFile(file);
    expect(await ok(asker.run(['custody', 'verify', '--export', 'taken']))).toContain('verifies');

    for (const at of [0, bytes.indexOf('night-shift'), bytes.length - 2]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await writeFile(file, changed);
      const found = await asker.run(['custody', 'verify', '--export', 'taken']);
      expect(found.code, `byte ${at}`).toBe(6);
      expect(found.stdout).toContain('does NOT verify');
    }
    await writeFile(file, bytes);
    await ok(asker.run(['custody', 'verify', '--export', 'taken']));
    const key = (await readFile(join(asker.home, 'taken', 'verifier-key'), 'utf8')).trim();
    await ok(asker.run(['custody', 'verify', '--export', 'taken', '--key', key]));
    const tail = async (...words: string[]) =>
      (await ok(asker.run(['custody', 'verify', '--export', 'taken', ...words]))).replace(/\s+/g, ' ');
    expect(await tail()).toContain('no checkpoint kept elsewhere covers entries 0 to');
    expect(await tail('--anchor', 'taken/checkpoint')).toMatch(/a checkpoint kept elsewhere, of all \d+ entries/);
    expect(bytes.toString()).not.toContain(stack.passphrase('approver'));
  });

  it("tells one server's life, alike from the service and from the export", async () => {
    type Line = {
      seq: number;
      type: string;
      node?: string;
      sent?: { path: string };
      entry: { resource: { serial?: string } };
    };
    const { lines } = await json<{ lines: Line[] }>(asker, 'custody', 'trail', '--node', 'bos-w-2');
    expect(new Set(lines.map(line => line.type))).toEqual(
      new Set(['plan', 'decision', 'approval', 'vote', 'operation', 'effect.intent', 'effect.result', 'evidence']),
    );
    expect(new Set(lines.map(line => line.node))).toEqual(new Set([undefined, 'bos-w-2']));
    expect(lines.filter(line => line.sent && isHandOver(line.sent.path))).toHaveLength(1);
    const serial = lines.find(line => line.sent)?.entry.resource.serial ?? '';
    const taken = await json(asker, 'custody', 'trail', '--server', serial, '--bundle', 'taken');
    expect(taken).toMatchObject({ verifiedBy: 'enclosed key', lines });
    const shown = await ok(asker.run(['custody', 'trail', '--server', serial]));
    for (const { seq } of lines) expect(shown).toMatch(new RegExp(`^(seq: )?${seq}\\b`, 'm'));
  });
});

describe('logging out', () => {
  it('ends the log-in at the service and forgets the token', async () => {
    const file = join(voter.home, 'groundskeeper', 'token.json');
    const { logins } = JSON.parse(await readFile(file, 'utf8')) as { logins: Record<string, { token: string }> };
    const [kept] = Object.values(logins);
    await ok(voter.run(['logout']));
    expect(await readFile(file, 'utf8')).not.toContain(kept?.token);
    expect((await voter.run(['whoami'])).code).toBe(4);
    expect((await voter.run(['whoami'], { GROUNDSKEEPER_TOKEN: kept?.token ?? '' })).code).toBe(4);
  });
});

describe('serve on its own database', () => {
  /** All that runs for this test names this folder: the service its configuration, Postgres its data. */
  const folder = () => dirname(stack.config.file);

  async function serve(file: string): Promise<{ service: Started; env: Record<string, string> }> {
    const service = asker.start(['serve', '--config', file]);
    const [, url = ''] = await service.says(/serves on (http:\/\/127\.0\.0\.1:\d+)/);
    return { service, env: { GROUNDSKEEPER_URL: url } };
  }

  // Nothing is left here unless a test failed: a server of its own would outlive it.
  afterEach(async () => {
    for (const line of await processesNaming(join(folder(), 'data-embedded'))) process.kill(Number.parseInt(line, 10));
  });

  function openSessions(): number {
    return stack.lab.sites.flatMap(site => site.nodes).flatMap(node => node.server.sessions()).length;
  }

  it('ends whole on Ctrl-C, pressed once or twice, and goes on from the same data', async () => {
    await stack.service().stop();
    const text = await readFile(stack.config.file, 'utf8');
    const file = join(folder(), 'embedded.yaml');
    const embedded = text.replace('env:GROUNDSKEEPER_TEST_DATABASE', 'embedded').replace('./data', './data-embedded');
    expect(embedded).toMatch(/database: embedded\n/);
    await writeFile(file, embedded, { mode: 0o600 });
    expect(await ok(asker.run(['check', '--config', file]))).toContain('is good: 1 sites');

    const first = await serve(file);
    const login = [
      'login',
      '--name',
      'day-shift',
      '--passphrase-file',
      await asker.fileWith(stack.passphrase('requester')),
    ];
    await ok(asker.run(login, first.env));
    const dry = await ok(asker.run(['cordon-node', 'bos-w-1', '--dry-run', '--json'], first.env));
    const { plan } = JSON.parse(dry) as ChangeAnswer;
    expect(openSessions()).toBeGreaterThan(0);
    expect((await processesNaming(folder())).filter(line => line.includes('postgres')).length).toBeGreaterThan(0);
    first.service.interrupt();
    expect((await first.service.ended).code).toBe(0);
    expect(await processesNaming(folder())).toEqual([]);
    expect(openSessions()).toBe(0);

    const second = await serve(file);
    await ok(asker.run(login, second.env));
    expect(await ok(asker.run(['get-plan', plan], second.env))).toContain('bos-w-1');
    expect(await ok(asker.run(['custody', 'verify'], second.env))).toContain('verifies');
    // A package runner passes Ctrl-C on to a program that had it from the terminal already.
    second.service.interrupt();
    second.service.interrupt();
    expect((await second.service.ended).code).toBe(0);
    expect(await processesNaming(folder())).toEqual([]);
    expect(openSessions()).toBe(0);
    await stack.start();
  });
});

describe('lab', () => {
  it('runs until Ctrl-C and leaves nothing behind', async () => {
    const size = ['--sites', '1', '--nodes', '1', '--control-planes', '0', '--address-base', '127.44'];
    const lab = asker.start(['lab', ...size, '--dir', 'lab']);
    const [, url = ''] = await lab.says(/curl (http:\/\/127\.0\.0\.1:\d+)\/effects[\s\S]*Ctrl-C stops the lab/);
    expect(await (await fetch(`${url}/effects`)).json()).toBeTruthy();
    lab.interrupt();
    expect(await lab.ended).toMatchObject({ code: 0, stderr: '' });
    await expect(fetch(`${url}/effects`)).rejects.toThrow();
  });
});
