/** A configuration that loads, in a folder of its own per test, for tests to break in one place. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config.ts';

export const hash = `scrypt:15:8:3:${'A'.repeat(22)}:${'A'.repeat(43)}`;
const bytes = 'firmware image';
const sha256 = createHash('sha256').update(bytes).digest('hex');

/** Folder of the current test: the configuration and all that it names. */
export let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'config-'));
  writeFileSync(join(dir, 'password'), 'hunter2secret\n');
  writeFileSync(join(dir, 'kubeconfig'), '{}');
  writeFileSync(join(dir, 'bios.bin'), bytes);
});
afterEach(() => rmSync(dir, { recursive: true }));

export function node(name: string, address: string, more: object = {}) {
  return { name, role: 'worker', server: { bmc: { url: `https://${address}`, credential: 'lab', ...more } } };
}

export function cluster(change: object = {}) {
  const nodes = [node('n1', '10.1.0.11'), node('n2', '10.1.0.12:8443')];
  return { name: 'prod', kubeconfig: { file: 'kubeconfig' }, budget: { maxUnavailable: 1 }, nodes, ...change };
}

export function site(change: object = {}) {
  const imageListener = { bind: '0.0.0.0:7480', advertise: 'http://10.1.0.1:7480' };
  const clusters = [cluster()];
  return {
    name: 'boston',
    timeZone: 'America/New_York',
    bmcNetwork: '10.1.0.0/16',
    baseline: 'spring',
    imageListener,
    clusters,
    ...change,
  };
}

export function image(change: object = {}) {
  const kind = { id: 'bios-new', vendor: 'dell', models: ['PowerEdge R750'], component: 'bios', version: '1.12.1' };
  return { ...kind, file: './bios.bin', sha256, ...change };
}

export function document(change: object = {}) {
  return {
    service: { origin: 'groundskeeper.example/test' },
    people: [{ name: 'ana', groups: ['operators'], passphrase: hash }],
    credentials: { lab: { username: 'admin', password: 'file:./password' } },
    firmware: [image()],
    baselines: [{ name: 'spring', images: ['bios-new'] }],
    sites: [site()],
    ...change,
  };
}

export function loadText(text: string, env: Record<string, string> = {}) {
  const file = join(dir, 'groundskeeper.yaml');
  writeFileSync(file, text);
  return loadConfig(file, env);
}

function load(change: object = {}, env?: Record<string, string>) {
  return loadText(stringify(document(change)), env);
}

export function configOf(change: object = {}, env?: Record<string, string>) {
  const result = load(change, env);
  return result.ok ? result.config : expect.fail(inspect(result.problems));
}

export function problemsOf(change: object, env?: Record<string, string>) {
  const result = load(change, env);
  return result.ok ? expect.fail('the configuration was accepted') : result.problems;
}
