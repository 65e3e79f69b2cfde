import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubernetesScene, kubernetesScene, settled } from '../support/kubernetes-lab.ts';

const run = promisify(execFile);
const oldest = 28;

/** Minor version of the kubectl in PATH, undefined when there is none that runs. */
function kubectlMinor(): number | undefined {
  try {
    const text = execFileSync('kubectl', ['version', '--client', '-o', 'json'], { timeout: 20_000, encoding: 'utf8' });
    return Number.parseInt(JSON.parse(text).clientVersion.minor, 10);
  } catch {
    return undefined;
  }
}

const minor = kubectlMinor();
const usable = minor !== undefined && minor >= oldest;
const found = minor === undefined ? 'no kubectl in PATH' : `kubectl 1.${minor} in PATH`;
const title = usable ? 'kubectl' : `kubectl (skipped: 1.${oldest} or newer is needed, ${found})`;

describe.skipIf(!usable)(title, () => {
  let scene: KubernetesScene;

  beforeAll(async () => {
    scene = await kubernetesScene('127.61.0.7');
    await settled(scene);
  });
  afterAll(() => scene.close());

  async function kubectl(...args: string[]): Promise<string> {
    const access = ['--kubeconfig', scene.kubeconfigFile, '--cache-dir', join(scene.folder, 'cache')];
    const { stdout } = await run('kubectl', [...access, ...args], { timeout: 50_000 });
    return stdout;
  }

  it('shows the nodes with status, roles and version', async () => {
    const [head, first] = (await kubectl('get', 'nodes')).split('\n');
    expect(head).toMatch(/^NAME\s+STATUS\s+ROLES\s+AGE\s+VERSION/);
    expect(first).toMatch(/^cp-1\s+Ready\s+control-plane\s+\S+\s+v1\.34/);
  });

  it('cordons, drains and uncordons a node', async () => {
    expect(await kubectl('cordon', 'w-1')).toContain('node/w-1 cordoned');
    expect(await kubectl('get', 'node', 'w-1')).toContain('Ready,SchedulingDisabled');
    const drained = await kubectl('drain', 'w-1', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=40s');
    expect(drained).toContain('node/w-1 drained');
    const left = await scene.cluster.pods('w-1');
    expect(left.map(pod => pod.controller?.kind)).toEqual(['DaemonSet']);
    expect(await kubectl('uncordon', 'w-1')).toContain('node/w-1 uncordoned');
    expect((await scene.cluster.node('w-1')).unschedulable).toBe(false);
  });

  it('describes a node, taints it and takes the taint away', async () => {
    expect(await kubectl('describe', 'node', 'w-2')).toContain('Boot ID:');
    await kubectl('taint', 'node', 'w-2', 'lab=test:NoSchedule');
    expect((await scene.cluster.node('w-2')).taints).toEqual([{ key: 'lab', value: 'test', effect: 'NoSchedule' }]);
    await kubectl('taint', 'node', 'w-2', 'lab-');
    expect((await scene.cluster.node('w-2')).taints).toEqual([]);
  });
});
