/** For how long pods stay under a taint, as Kubernetes counts it. */
import { expect, it } from 'vitest';
import type { Toleration } from '../../src/core/scheduling.ts';
import { goesFrom, toleratedForMs } from '../../src/planning/taints.ts';
import { podOf } from '../support/cluster-facts.ts';

const taint = { key: 'dedicated', value: 'db', effect: 'NoExecute' };
const pod = podOf({});
const tolerating = (...tolerations: Toleration[]) => ({ ...pod, placement: { ...pod.placement, tolerations } });

const always: Toleration = { operator: 'Exists' };
const minute: Toleration = { key: 'dedicated', operator: 'Exists', effect: 'NoExecute', seconds: 60 };
const foreign: Toleration = { key: 'other', operator: 'Exists', seconds: 5 };

it.each<[string, Toleration[], number]>([
  ['that tolerates nothing', [], 0],
  ['that tolerates others', [foreign], 0],
  ['that tolerates it', [always], Number.POSITIVE_INFINITY],
  ['that tolerates it for a minute', [minute, foreign], 60_000],
  ['that tolerates it for a minute, and for ever', [always, minute], 60_000],
  ['that tolerates it for less than no time', [{ ...minute, seconds: -1 }], 0],
])('a pod %s stays so long, and goes unless it may for ever', (_what, tolerations, ms) => {
  expect(toleratedForMs(taint, tolerating(...tolerations))).toBe(ms);
  expect(goesFrom(taint, tolerating(...tolerations))).toBe(Number.isFinite(ms));
});

it("a pod of the kubelet's own never goes", () => {
  expect(goesFrom(taint, { ...pod, mirror: true })).toBe(false);
});
