/** A lab cluster with kubectl pointed at it, and the reason to skip where there is no kubectl that is new enough. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KubernetesScene, kubernetesScene, settled } from './kubernetes-lab.ts';

const oldest = 28;
const timeoutMs = 50_000;

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
const found = minor === undefined ? 'no kubectl in PATH' : `kubectl 1.${minor} in PATH`;

export const kubectlIsMissing = minor === undefined || minor < oldest;

/** The title of a suite, which says why it is skipped when it is. */
export function kubectlTitle(subject: string): string {
  return kubectlIsMissing ? `${subject} (skipped: 1.${oldest} or newer is needed, ${found})` : subject;
}

export type KubectlResult = { code: number; stdout: string; stderr: string };

export type KubectlScene = KubernetesScene & {
  /** Runs kubectl as an administrator; throws with its stderr when it fails. */
  kubectl(...args: string[]): Promise<string>;
  /** The same, whatever comes of it. */
  tryKubectl(...args: string[]): Promise<KubectlResult>;
  /** Starts kubectl and collects what it prints until `stop`. */
  startKubectl(...args: string[]): { output(): string; ended: Promise<number>; stop(): void };
  /** Writes a manifest that `-f` can name. */
  manifest(name: string, object: object): Promise<string>;
};

export async function kubectlScene(address: string): Promise<KubectlScene> {
  const scene = await kubernetesScene(address);
  await settled(scene);
  const access = ['--kubeconfig', scene.adminKubeconfigFile, '--cache-dir', join(scene.folder, 'cache')];
  const tryKubectl = (...args: string[]) =>
    new Promise<KubectlResult>(resolve => {
      execFile('kubectl', [...access, ...args], { timeout: timeoutMs }, (error, stdout, stderr) => {
        const { code } = (error ?? { code: 0 }) as { code?: number | string };
        resolve({ code: typeof code === 'number' ? code : 1, stdout, stderr });
      });
    });
  return {
    ...scene,
    tryKubectl,
    async kubectl(...args) {
      const { code, stdout, stderr } = await tryKubectl(...args);
      if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}`);
      return stdout;
    },
    startKubectl(...args) {
      const child = spawn('kubectl', [...access, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      let text = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', chunk => {
          text += chunk;
        });
      }
      const ended = new Promise<number>(resolve => child.on('close', code => resolve(code ?? 1)));
      return { output: () => text, ended, stop: () => void child.kill() };
    },
    async manifest(name, object) {
      const file = join(scene.folder, `${name}.json`);
      await writeFile(file, JSON.stringify(object));
      return file;
    },
  };
}
