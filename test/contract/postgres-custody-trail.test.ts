import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CustodyEntry, CustodyResource } from '../../src/core/custody.ts';
import { exportBundle } from '../../src/guard/custody/bundle.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { runCli } from '../../src/surfaces/cli/cli.ts';
import { type CustodyScene, custodyScene, serviceEntry } from '../support/custody.ts';

let scene: CustodyScene;
let folder = '';
let dir = '';

const actor = { sub: 'ada', groups: ['sre', 'ops'] };
const cli = { actor, via: { channel: 'cli' } } as const;
const service = { actor, via: { channel: 'service' } } as const;
const one = { node: 'w-1', serial: 'SN-1', uuid: 'uuid-1' };
const two = { node: 'w-2', serial: 'SN-2', uuid: 'uuid-2' };
const twin = { node: 'w-3', serial: 'SN-2', uuid: 'uuid-3' };

function planOf(digest: string): CustodyEntry[] {
  const voted = {
    type: 'vote',
    approval: `apr-${digest}`,
    digest,
    vote: 'approve',
    reason: 'go on',
    strength: 'passphrase',
  } as const;
  return [
    { type: 'plan', action: 'firmware', plan: `plan-${digest}`, digest, ...cli },
    {
      type: 'decision',
      action: 'firmware',
      digest,
      verdict: 'needs-approval',
      policy: 'p',
      reasons: ['two eyes'],
      ...cli,
    },
    { ...voted, counted: false, ...cli },
    { ...voted, counted: true, ...cli, actor: { sub: 'bob', groups: ['dc'] } },
  ];
}

function operation(id: string, digest: string, state: string): CustodyEntry {
  return { type: 'operation', operation: id, digest, state, reason: `${state} it is`, ...service };
}

function intent(id: string, digest: string, resource: CustodyResource): CustodyEntry {
  const bodyDigest = `sha256:${resource.node}`;
  const request = { target: `https://bmc-${resource.node}`, method: 'POST', path: '/update', bodyDigest } as const;
  const what = { step: `${resource.node}/flash`, action: 'flash', attempt: 1, request, resource };
  return { type: 'effect.intent', operation: id, digest, ...what, ...service };
}

/** Three operations: `a` on two servers at once, `b` on a server whose serial the second one bears too, `c` that nothing came of. */
const story: CustodyEntry[] = [
  serviceEntry('up'), // 0
  ...planOf('a'), // 1-4
  operation('op-a', 'a', 'queued'), // 5
  ...planOf('c'), // 6-9
  intent('op-a', 'a', one), // 10
  intent('op-a', 'a', two), // 11
  // Without a resource, as an end is when it says only whose it is.
  { type: 'effect.result', operation: 'op-a', intent: 10, status: 'ok', detail: 'task 7 took it', ...service }, // 12
  { type: 'effect.reconciled', operation: 'op-a', intent: 11, finding: 'ambiguous', evidence: 'no task', ...service }, // 13
  operation('op-a', 'a', 'failed'), // 14
  ...planOf('b'), // 15-18
  intent('op-b', 'b', twin), // 19
  { type: 'effect.result', operation: 'op-b', intent: 19, status: 'failed', detail: 'no', resource: twin, ...service }, // 20
  {
    type: 'evidence',
    evidence: 'evd-0123456789',
    kind: 'failure',
    subject: 'server:uuid-3',
    contentDigest: 'hmac-sha256:0',
    bytes: 2,
    operation: 'op-b',
    resource: twin,
    ...service,
  }, // 21
  intent('op-d', 'd', { node: 'w-4', serial: 'SN-4', uuid: 'uuid-4' }), // 22, under way
];

beforeAll(async () => {
  scene = await custodyScene();
  folder = await mkdtemp(join(tmpdir(), 'gk-trail-'));
  dir = join(folder, 'taken');
  await scene.log.append(story);
  const checkpoint = await scene.log.checkpoint();
  await exportBundle({ dir, rows: storedRows(scene.store), checkpoint, verifierKey: scene.log.verifierKey });
});
afterAll(async () => {
  await scene.close();
  await rm(folder, { recursive: true, force: true });
});

const trail = (...words: string[]) => custody('trail', '--bundle', dir, ...words);

async function custody(...words: string[]) {
  const [output, errors] = [new PassThrough(), new PassThrough()];
  const terminal = { input: Readable.from([]), output, errors, onInterrupt: () => () => undefined };
  const settings = { configDir: folder };
  const deps = { catalog: [], version: '1.2.3', settings, terminal, hashPassphrase: async () => '' };
  const status = await runCli(deps, ['custody', ...words]);
  output.end();
  errors.end();
  return { status, shown: await text(output), told: await text(errors) };
}

async function numbers(...words: string[]): Promise<number[]> {
  const { status, shown, told } = await trail(...words, '--json');
  expect(status, told).toBe(0);
  return (JSON.parse(shown) as { lines: { seq: number }[] }).lines.map(line => line.seq);
}

describe('a trail', () => {
  it('of a server runs from its plan to its results, without the neighbour of the same operation', async () => {
    expect(await numbers('--server', 'SN-1')).toEqual([1, 2, 3, 4, 5, 10, 12, 14]);
  });

  it('of a node and of an operation hold what is theirs', async () => {
    expect(await numbers('--node', 'w-2')).toEqual([1, 2, 3, 4, 5, 11, 13, 14]);
    expect(await numbers('--operation', 'op-a')).toEqual([1, 2, 3, 4, 5, 10, 11, 12, 13, 14]);
  });

  it('says who, when, what was sent and what came back', async () => {
    const { lines, verifiedBy } = JSON.parse((await trail('--server', 'SN-1', '--json')).shown);
    expect(verifiedBy).toBe('enclosed key');
    expect(lines[3]).toMatchObject({ seq: 4, type: 'vote', who: { sub: 'bob', groups: ['dc'], channel: 'cli' } });
    expect(Date.parse(lines[3].time)).toBeGreaterThan(0);
    const sent = { method: 'POST', target: 'https://bmc-w-1', path: '/update', bodyDigest: 'sha256:w-1', attempt: 1 };
    expect(lines[5]).toMatchObject({ seq: 10, node: 'w-1', sent });
    expect(lines[6]).toMatchObject({ seq: 12, cameBack: { intent: 10, outcome: 'ok', detail: 'task 7 took it' } });
    expect(lines[6].entry).toMatchObject({ type: 'effect.result', operation: 'op-a' });
  });

  it('can be read in a terminal', async () => {
    const told = (await trail('--node', 'w-2')).shown.replace(/\s+/g, ' ');
    // Cells wrap, so a line of the table is not a line of the terminal.
    expect(told).toMatch(/ 3 .* ada \(sre, ops\) vote .* go on · not counted 4 .* bob \(dc\) /);
    expect(told).toMatch(/ 11 .* POST .* https:\/\/bmc-w-2\/update .* attempt 1 · body sha256:w-2 13 /);
    expect(told).toMatch(/ 13 .* ambiguous, of 11 · no .* task 14 /);
    expect(told).toContain('proves only that it agrees with itself');
  });

  it('names the evidence that is kept beside it', async () => {
    const { lines } = JSON.parse((await trail('--operation', 'op-b', '--json')).shown);
    expect(lines.at(-1)).toMatchObject({ seq: 21, type: 'evidence', node: 'w-3', kept: 'evd-0123456789' });
    expect((await trail('--node', 'w-3')).shown.replace(/\s+/g, ' ')).toMatch(
      / 21 .* evidence .*evd-0123456789 .*failure/,
    );
  });

  it('warns when two systems bear the serial', async () => {
    const { shown } = await trail('--server', 'SN-2');
    expect(shown.replace(/\s+/g, ' ')).toContain('2 systems bear this serial: uuid-2, uuid-3');
    expect((await trail('--server', 'SN-1')).shown).not.toContain('systems bear');
  });

  it('is refused for nobody, for two at once, and for a stranger', async () => {
    expect(await trail()).toMatchObject({ status: 2 });
    expect(await trail('--server', 'SN-1', '--node', 'w-1')).toMatchObject({ status: 2 });
    expect(await trail('--server', 'sn-1')).toMatchObject({ status: 1, shown: '' });
  });
});

describe('a trail out of a changed export', () => {
  it('is not told', async () => {
    const file = join(dir, 'entries.ndjson');
    const before = await readFile(file);
    await writeFile(file, before.toString().replace('task 7 took it', 'task 8 took it'));
    const { status, shown } = await trail('--server', 'SN-1');
    await writeFile(file, before);
    expect(status).toBe(6);
    expect(shown).toContain('does NOT verify');
    expect(shown).not.toContain('took it');
  });
});

it('an effect that is not concluded yet is told by its entry, operation and step', async () => {
  const { status, shown } = await custody('verify', '--export', dir);
  expect(status).toBe(0);
  expect(shown.replace(/\s+/g, ' ')).toMatch(/1 announced, not concluded yet .* entry 22 .*op-d .*w-4\/flash .*flash/);
});
