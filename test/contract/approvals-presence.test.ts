/** A vote needs its voter: guesses are few, also when they come all at once, and a token of MCP stays one. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { createLogins } from '../../src/guard/logins.ts';
import { hashPassphrase } from '../../src/guard/passphrase.ts';
import { type GuardScene, guardScene, refusal } from '../support/guard.ts';

let scene: GuardScene;
let aheadMs = 0;
let people: { name: string; groups: string[]; passphraseHash: Secret }[];

beforeAll(async () => {
  scene = await guardScene();
  people = [{ name: 'ask', groups: ['operators'], passphraseHash: new Secret(await hashPassphrase('the right one')) }];
});
afterAll(() => scene.close());
afterEach(() => {
  aheadMs = 0;
});

const logins = () =>
  createLogins({
    people,
    directory: { find: name => people.find(person => person.name === name) },
    store: scene.records.logins,
    mcpScope: 'read',
    now: () => Date.now() + aheadMs,
  });

describe('proving presence', () => {
  it('allows five wrong passphrases, also when twenty are tried at the same moment with the right one behind', async () => {
    const { provePresence } = logins();
    const guess = (_: unknown, index: number) => refusal(provePresence('ask', `guess ${index}`));
    const guesses = Array.from({ length: 3 }, guess);
    await guesses[0]; // the others come while some are still looked at
    guesses.push(...Array.from({ length: 17 }, guess));
    const right = refusal(provePresence('ask', 'the right one'));
    const messages = (await Promise.all(guesses)).map(error => error.message);
    expect(messages.filter(message => message.includes('do not match'))).toHaveLength(5);
    expect((await right).message).toContain('closed');
    aheadMs = 10 * 60_000 + 1000;
    await provePresence('ask', 'the right one');
  });

  it('forgets the wrong ones after a right one', async () => {
    const { provePresence } = logins();
    for (let round = 0; round < 2; round++) {
      for (let guess = 0; guess < 4; guess++) await refusal(provePresence('ask', 'wrong'));
      await provePresence('ask', 'the right one');
    }
  });
});

describe('a token', () => {
  const proof = { at: new Date().toISOString(), strength: 'passphrase' } as const;

  it('of a terminal is no session of a browser, and a session no bearer token', async () => {
    const door = logins();
    const [cli, page] = [await door.admit('ask', 'cli', proof), await door.admit('ask', 'page', proof)];
    expect(await door.caller(cli.token, 'shell')).toMatchObject({ channel: 'cli', scope: 'execute', client: 'shell' });
    expect(await door.session(page.token)).toMatchObject({ caller: { channel: 'page' }, proof });
    expect((await refusal(door.session(cli.token))).code).toBe('unauthenticated');
    expect((await refusal(door.caller(page.token))).code).toBe('unauthenticated');
  });

  it('ends after eight hours, and at once where its person logs out', async () => {
    const door = logins();
    const [one, other] = [await door.admit('ask', 'cli', proof), await door.admit('ask', 'cli', proof)];
    await door.logOut(other.token);
    expect((await refusal(door.caller(other.token))).code).toBe('unauthenticated');
    aheadMs = 8 * 3600_000 - 60_000;
    await door.caller(one.token);
    aheadMs = 8 * 3600_000;
    expect((await refusal(door.caller(one.token))).code).toBe('unauthenticated');
  });
});

describe('a token derived for MCP', () => {
  it('is read-only where the configuration says so, lives no longer than its source, and ends with its person', async () => {
    const door = logins();
    const { token, expiresAt } = await door.logIn('ask', 'the right one', 'cli');
    const derived = await door.deriveForMcp(token);
    expect(derived.expiresAt).toBe(expiresAt);
    expect(await door.caller(derived.token)).toMatchObject({ channel: 'mcp', scope: 'read' });
    expect((await refusal(door.deriveForMcp(derived.token))).code).toBe('forbidden');
    people = [];
    expect((await refusal(logins().caller(derived.token))).code).toBe('unauthenticated');
  });
});
