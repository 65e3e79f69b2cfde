/** After a drain by the product's own workflow, `kubectl describe node` tells the story. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { kubectlIsMissing, kubectlTitle } from '../support/kubectl-scene.ts';
import { approve, ended, pinned, reached } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

const run = promisify(execFile);

describe.skipIf(kubectlIsMissing)(kubectlTitle('kubectl describe node'), () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ addressBase: '127.140', workers: 3 });
  });
  afterAll(() => stack?.close());

  function site() {
    const [first] = stack.lab.sites;
    if (!first) throw new Error('the lab has no site');
    return first;
  }

  async function kubectl(...args: string[]): Promise<string> {
    const cache = join(stack.config.file, '..', 'kubectl-cache');
    const access = ['--kubeconfig', site().adminKubeconfigFile, '--cache-dir', cache];
    return (await run('kubectl', [...access, ...args], { timeout: 50_000 })).stdout;
  }

  async function planDrain(node: string): Promise<ChangeAnswer> {
    const input = { node, deleteEmptyDir: true, dryRun: true };
    return (await (await stack.client('requester')).callTool('drainNode', input)).output as unknown as ChangeAnswer;
  }

  it('shows the maintenance and who began and ended the drain, and afterwards that it is over', async () => {
    const { name: node } = site().nodes.find(({ role }) => role === 'worker') ?? { name: '' };
    const drained = await ended(stack, await approve(stack, await planDrain(node)));
    expect(drained.state).toBe('done');
    const during = await kubectl('describe', 'node', node);
    expect(during).toMatch(/^Unschedulable:\s+true$/m);
    expect(during).toMatch(new RegExp(`groundskeeper\\.io/cordoned-by: ${drained.id}`));
    expect(during).toMatch(/groundskeeper\.io\/Maintenance\s+True\s/);
    expect(during).toMatch(/Normal\s+DrainStarted\s+\S+\s+groundskeeper\s+.*cordoned, pods are being moved/);
    expect(during).toMatch(/Normal\s+Drained\s+\S+\s+groundskeeper\s+.*\d+ pods evicted and gone; stays cordoned/);

    const { output } = await (await stack.client('requester')).callTool('uncordonNode', { node });
    const released = await ended(stack, (output as unknown as ChangeAnswer).operation ?? '');
    expect(released.state).toBe('done');
    const after = await kubectl('describe', 'node', node);
    expect(after).toMatch(/^Unschedulable:\s+false$/m);
    expect(after).toMatch(/groundskeeper\.io\/Maintenance\s+False\s/);
    expect(after).toMatch(/Normal\s+Uncordoned\s+\S+\s+groundskeeper\s+.*cordon of operation \S+ taken back/);
    expect(after).not.toContain('cordoned-by');
  });

  it('warns of a drain that was stopped, with why', async () => {
    const { node, unpin } = await pinned(site());
    const operation = await approve(stack, await planDrain(node));
    await eventually('the cordon', async () => (reached(stack, node).includes('cordon') ? true : undefined));
    await (await stack.client('requester')).callTool('cancelOperation', { operation });
    expect((await ended(stack, operation)).state).toBe('cancelled');
    const text = await kubectl('describe', 'node', node);
    expect(text).toMatch(/^Unschedulable:\s+false$/m);
    expect(text).toMatch(/groundskeeper\.io\/Maintenance\s+False\s/);
    expect(text).toMatch(/Warning\s+NotDrained\s+\S+\s+groundskeeper\s+.*cancelled the operation/);
    unpin();
  });
});
