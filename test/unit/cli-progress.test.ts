import { expect, test } from 'vitest';
import type { Operation, OperationNode } from '../../src/core/operation.ts';
import { displayWidth } from '../../src/surfaces/cli/plain-text.ts';
import { endLine, eventLine, progressLines } from '../../src/surfaces/cli/progress.ts';

const plain = { columns: 60, color: false };

function node(name: string, wave: number, state: OperationNode['state'], message = ''): OperationNode {
  return {
    node: name,
    site: 'boston',
    cluster: 'boston',
    wave,
    state,
    step: 'flash',
    message,
    updatedAt: '2026-01-01T00:00:00Z',
  };
}

const operation: Operation = {
  id: 'op-0123456789',
  plan: 'plan-0123456789',
  digest: 'sha256:00',
  kind: 'firmware-rollout',
  site: 'boston',
  cluster: 'boston',
  state: 'running',
  reason: '',
  requester: 'dana',
  channel: 'cli',
  revoked: false,
  executeUntil: '2026-01-01T08:00:00Z',
  createdAt: '2026-01-01T00:00:00Z',
  nodes: [
    node('bos-w-1', 1, 'done'),
    node('bos-w-2', 2, 'running', '42 %\u001b[2J'.repeat(20)),
    node('bos-w-3', 2, 'failed', 'version unchanged'),
  ],
};

test('progress shows a bar per wave and a line per node', () => {
  const lines = progressLines(operation, plain);
  expect(lines).toEqual([
    'firmware-rollout in boston, operation op-0123456789: running',
    'wave 1 (canary) [####################] 1/1',
    '  bos-w-1  done       flash',
    expect.stringMatching(/^wave 2 {10}\[#{10}-{10}\] 1\/2$/),
    expect.stringMatching(/^ {2}bos-w-2 {2}running {4}flash: 42 %/),
    '  bos-w-3  failed     flash: version unchanged',
  ]);
});

test('no line is wider than the terminal or obeyed by it, however narrow it is', () => {
  for (const columns of [10, 30, 60, 200]) {
    for (const line of progressLines(operation, { columns, color: false })) {
      expect(displayWidth(line)).toBeLessThanOrEqual(columns);
      expect(line).not.toMatch(/\p{Cc}/u);
    }
  }
});

test('an event and the end are one harmless line each', () => {
  const event = {
    seq: 1,
    time: '2026-01-01T12:03:44.000Z',
    node: 'bos-w-1',
    step: 'drain',
    status: 'ok',
    message: 'a\nb',
  } as const;
  expect(eventLine(event)).toBe('12:03:44  bos-w-1  drain  ok  a b');
  const halted = { ...operation, state: 'halted', reason: 'canary failed' } as const;
  expect(endLine(halted, plain)).toBe('operation op-0123456789 halted: canary failed');
});
