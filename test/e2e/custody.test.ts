/** The custody commands as an operator runs them, one after the other, on one log. */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, connect } from '../../src/surfaces/cli/client.ts';
import { custodyEntries, type Numbered } from '../support/audit.ts';
import { refusal } from '../support/guard.ts';
import { openShell, type Ran, type Shell } from '../support/program.ts';
import { reconfigure } from '../support/rollout.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let shell: Shell;
let passphrase: string;
/** The verifier key of the beginning. */
let first: string;
let client: Client;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.178', controlPlanes: 1, workers: 1 });
  shell = await openShell(() => stack.service().ready.url);
  const anchors = [{ file: join(shell.home, 'anchor') }];
  await reconfigure(stack, document => Object.assign(document, { custody: { anchors, anchorEntries: 1 } }));
  passphrase = await shell.fileWith(stack.passphrase('requester'));
  await ok('login', '--name', stack.config.people[0].name, '--passphrase-file', passphrase);
  client = await stack.client('requester');
  first = (await client.custodyHead()).verifierKey;
});
afterAll(async () => {
  await stack?.close();
  await shell?.close(); // with the anchor, which the service looks at to its end
});

const file = (name: string) => join(shell.home, name);
const run = (...args: string[]): Promise<Ran> => shell.run(args);

/** What it printed, in one line, after checking that it went well. */
async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect(code, stdout + stderr).toBe(0);
  return stdout.replace(/\s+/g, ' ');
}

async function entries<T extends Numbered['type']>(type: T) {
  return (await custodyEntries(client)).filter((entry): entry is Extract<Numbered, { type: T }> => entry.type === type);
}

it('what was asked for is kept as evidence, which a person reads and a model does not', async () => {
  await ok('cordon-node', 'bos-w-1', '--dry-run');
  const [entry] = await entries('evidence');
  const { seq, evidence } = entry ?? { seq: -1, evidence: '' };
  expect(entry).toMatchObject({ kind: 'request', subject: `person:${stack.config.people[0].name}` });
  const both = [String(seq), evidence].map(which => ok('custody', 'evidence', which));
  for (const shown of await Promise.all(both)) {
    for (const word of [`entry ${seq}`, 'as the log says', '"node": "bos-w-1"']) expect(shown).toContain(word);
  }
  expect(await run('custody', 'evidence', '0')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no entry of evidence'),
  });
  const { url } = stack.service().ready;
  const { token } = await client.deriveToken({ channel: 'mcp' });
  expect(await refusal(connect({ url, token }).evidence(evidence))).toMatchObject({ code: 'forbidden' });
});

it('the key is replaced with a passphrase alone, and whoever keeps the old key or a note still verifies', async () => {
  const wrong = await shell.fileWith('not the passphrase');
  expect(await run('custody', 'rotate-key', '--passphrase-file', wrong)).toMatchObject({ code: 4 });
  expect(await entries('key.rotated')).toEqual([]);
  const said = await ok('custody', 'rotate-key', '--passphrase-file', passphrase);
  const { verifierKey } = await client.custodyHead();
  expect(said).toContain(verifierKey.slice(0, 40));
  expect(await entries('key.rotated')).toMatchObject([{ from: first, to: verifierKey }]);
  expect(await ok('custody', 'status')).toMatch(/Effects may happen\. .*anchor/);
  const verified = await ok('custody', 'verify', '--key', first, '--anchor', file('anchor'));
  expect(verified).toMatch(/The custody log verifies.* a checkpoint kept elsewhere.* open effects none/);
});

it('an export with tiles verifies by itself', async () => {
  await ok('custody', 'export', file('taken'), '--tiles');
  await ok('custody', 'verify', '--export', file('taken'), '--key', first);
});

it.skipIf(spawnSync('python3', ['--version']).status !== 0)(
  'and by a program in Python, which shares no code with ours',
  () => {
    const verifier = new URL('../support/verify_tiles.py', import.meta.url).pathname;
    const { stdout } = spawnSync('python3', [verifier, file('taken'), first], { encoding: 'utf8' });
    expect(stdout).toMatch(/^verified: \d+ entries/);
  },
);

it('one entry is proved to who has the key, and that the log goes on from a checkpoint; a changed proof proves nothing', async () => {
  const [{ seq } = { seq: -1 }] = await entries('key.rotated');
  const { verifierKey } = await client.custodyHead();
  await ok('custody', 'prove', String(seq), '--out', file('entry.tlog-proof'));
  const proved = await ok('custody', 'verify', '--proof', file('entry.tlog-proof'), '--key', verifierKey);
  expect(proved).toMatch(new RegExp(`Proved: this is entry ${seq} .* key\\.rotated`));
  const text = await readFile(file('entry.tlog-proof'), 'utf8');
  await writeFile(file('changed'), text.replace(`index ${seq}`, `index ${seq - 1}`));
  const changed = await run('custody', 'verify', '--proof', file('changed'), '--key', verifierKey);
  expect(changed).toMatchObject({ code: 6, stdout: expect.stringContaining('proves nothing') });
  const since = ['--anchor', file('taken/checkpoint')];
  await writeFile(file('continues'), (await run('custody', 'prove', '--since', file('taken/checkpoint'))).stdout);
  expect(await ok('custody', 'verify', '--proof', file('continues'), '--key', verifierKey, ...since)).toMatch(
    /begins with all/,
  );
  expect(await run('custody', 'verify', '--proof', file('continues'))).toMatchObject({ code: 2 });
});

it('a person is erased with a passphrase alone: nobody reads the evidence any more, and the log verifies', async () => {
  const [{ seq } = { seq: -1 }] = await entries('evidence');
  const { name } = stack.config.people[0];
  const erase = ['custody', 'erase', '--subject', `person:${name}`, '--reason', 'left us', '--passphrase-file'];
  expect(await run(...erase, await shell.fileWith('wrong'))).toMatchObject({ code: 4 });
  await ok('custody', 'evidence', String(seq));
  expect(await ok(...erase, passphrase)).toContain('Erased: 1 pieces');
  expect(await run('custody', 'evidence', String(seq))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('erased'),
  });
  expect(await entries('subject.erased')).toMatchObject([{ subject: `person:${name}`, pieces: 1, reason: 'left us' }]);
  await ok('custody', 'verify', '--key', first, '--anchor', file('anchor'));
});
