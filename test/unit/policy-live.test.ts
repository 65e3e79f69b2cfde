/** Policies that change under a running service. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LivePolicy, type PolicyStatus } from '../../src/guard/policy/live-policy.ts';
import { policyRequest } from '../support/policy-request.ts';

const uncordon = policyRequest({ action: 'uncordonNode' });
const freeze = '@id("freeze") @reason("frozen") forbid (principal, action, resource);';

let dir: string;
let recorded: string[];
let told: PolicyStatus[];
let policy: LivePolicy;
let record: (digest: string) => Promise<void>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'policy-'));
  cpSync(new URL('../../policies', import.meta.url), dir, { recursive: true });
  recorded = [];
  told = [];
  record = async digest => void recorded.push(digest);
  policy = new LivePolicy({ dir, record: digest => record(digest), onChange: status => void told.push(status) });
});
afterEach(() => rmSync(dir, { recursive: true }));

const write = (text: string, name = 'freeze.cedar') => writeFileSync(join(dir, name), text);
const verdict = () => policy.decide(uncordon).verdict;

it('follows what is sound, once it is on record', async () => {
  const before = policy.digest;
  const seen: string[] = [];
  record = async () => void seen.push(policy.digest, verdict());
  write(freeze);
  await policy.reload();
  expect(seen, 'the old policy is in force until the record is written').toEqual([before, 'allow']);
  expect([verdict(), policy.status.state, policy.digest === before]).toEqual(['deny', 'current', false]);
  expect(told).toEqual([{ state: 'current', digest: policy.digest }]);
});

it('keeps the old policy when the new one is bad, says so once, and takes the corrected one', async () => {
  const before = policy.digest;
  write(freeze.replace('@reason("frozen")', ''));
  await policy.reload();
  await policy.reload();
  expect([verdict(), policy.digest, recorded]).toEqual(['allow', before, []]);
  expect(told).toMatchObject([{ state: 'kept', digest: before, error: { code: 'invalid_config' } }]);
  expect(policy.standing).toEqual({
    state: 'kept',
    digest: before,
    problem: expect.stringContaining('freeze.cedar:1'),
  });
  expect(told.map(status => 'error' in status && status.error.message).join()).toContain('freeze.cedar:1: freeze');
  write(freeze);
  await policy.reload();
  expect([verdict(), recorded, told.at(-1)?.state]).toEqual(['deny', [policy.digest], 'current']);
});

it('is current again, with nothing on record, when a bad change is taken back', async () => {
  write('allow everyone;');
  await policy.reload();
  rmSync(join(dir, 'freeze.cedar'));
  await policy.reload();
  expect([told.map(status => status.state), recorded]).toEqual([['kept', 'current'], []]);
});

it('keeps the old policy while nothing can be put on record, and tries again', async () => {
  record = () => Promise.reject(new Error('the database is gone'));
  write(freeze);
  await policy.reload();
  expect([verdict(), policy.status.state]).toEqual(['allow', 'kept']);
  record = async digest => void recorded.push(digest);
  const stop = policy.watch(5);
  await expect.poll(verdict).toBe('deny');
  expect(recorded).toEqual([policy.digest]);
  await stop();
});

it('notices a change by itself, and a file that is put in its place', async () => {
  const stop = policy.watch(5);
  write(freeze);
  await expect.poll(verdict).toBe('deny');
  rmSync(join(dir, 'freeze.cedar'));
  await expect.poll(verdict).toBe('allow');
  await stop();
  expect(recorded).toHaveLength(2);
});

it('looks no more once it is told to stop, and stops when the last look is over', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const stop = policy.watch(5);
    const kept = Promise.withResolvers<void>();
    record = () => kept.promise;
    write(freeze);
    void policy.reload();
    let stopped = false;
    const stopping = stop().then(() => {
      stopped = true;
    });
    expect([vi.getTimerCount(), stopped]).toEqual([0, false]);
    kept.resolve();
    await stopping;
    expect(verdict()).toBe('deny');
  } finally {
    vi.useRealTimers();
  }
});

it('takes nothing up that still changes between two looks', async () => {
  const whole = readFileSync(join(dir, 'limits.cedar'), 'utf8');
  let changes = 0;
  const changing = setInterval(() => write(`${whole} // ${changes++}`, 'limits.cedar'), 2);
  const stop = policy.watch(20);
  await expect.poll(() => changes).toBeGreaterThan(50);
  expect(recorded).toEqual([]);
  clearInterval(changing);
  await expect.poll(() => recorded.length).toBe(1);
  expect(recorded).toEqual([policy.digest]);
  await stop();
});
