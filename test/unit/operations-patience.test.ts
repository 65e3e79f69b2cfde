import { expect, it } from 'vitest';
import { lateMs, patience } from '../../src/operations/patience.ts';
import { pdbOf, podOf } from '../support/cluster-facts.ts';

const by = Date.now() + 5000;
const pdbs = [pdbOf({ name: 'api' }), pdbOf({ name: 'db', selector: { matchLabels: { app: 'db' } } })];
const slow = podOf({ graceSeconds: 300 });

it('a pod waits past the deadline for one of its budget that may take its grace period, and for no other', () => {
  const waiting = patience(by);
  expect(waiting.deadlineOf(podOf(), pdbs)).toBe(by);
  const before = Date.now();
  waiting.letGo(slow, pdbs);
  expect(waiting.deadlineOf(podOf(), pdbs)).toBeGreaterThanOrEqual(before + 300_000 + lateMs);
  expect(waiting.deadlineOf(podOf({ labels: { app: 'db' } }), pdbs)).toBe(by);
  expect(waiting.deadlineOf(podOf({ namespace: 'other' }), pdbs)).toBe(by);
});

it('pods that end sooner do not take the time of a slower one back', () => {
  const waiting = patience(by);
  waiting.letGo(slow, pdbs);
  const until = waiting.deadlineOf(podOf(), pdbs);
  waiting.letGo(podOf({ graceSeconds: 1 }), pdbs);
  expect(waiting.deadlineOf(podOf(), pdbs)).toBe(until);
});

it('a pod of which a crash left the name alone has the deadline', () => {
  const waiting = patience(by);
  waiting.letGo(slow, pdbs);
  expect(waiting.deadlineOf({ namespace: 'shop' }, pdbs)).toBe(by);
});
