/** A service over a lab, with a Slack of ours and a scripted model before it: all that a conversation needs, on loopback. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../../src/adapters/postgres/embedded.ts';
import { startChild } from '../../src/demo/child.ts';
import { writeLabConfig } from '../../src/demo/lab-config.ts';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { describeLab } from '../../src/lab/description.ts';
import { type RunningLab, startLab } from '../../src/lab/lab.ts';
import { type ModelServer, startModelServer } from '../../test/support/model-server.ts';
import { type FakeSlack, linkedTo, startFakeSlack } from '../../test/support/slack/slack-server.ts';

export type SlackScene = { lab: RunningLab; slack: FakeSlack; model: ModelServer; close(): Promise<void> };

const addressBase = '127.46';

/** Two sites, and two people: U0DAY asks, U0NIGHT approves. */
export async function openSlackScene(): Promise<SlackScene> {
  const dir = await mkdtemp(join(tmpdir(), 'gk-pictures-'));
  const ends: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true, maxRetries: 10 })];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    await mkdir(join(dir, 'lab'));
    const model = await startModelServer();
    ends.push(() => model.close());
    const slack = await startFakeSlack();
    ends.push(() => slack.close());
    for (const user of ['U0DAY', 'U0NIGHT']) {
      slack.workspace.addUser(user);
      slack.workspace.channels.get('C0OPS')?.add(user);
    }
    const shape = { sites: 2, controlPlanes: 3, workers: 5, speed: 30, seed: 7, addressBase };
    const lab = await startLab({ ...shape, dir: join(dir, 'lab'), manifests: shippedManifests });
    ends.push(() => lab.stop());
    const linked = linkedTo(slack, ['U0DAY', 'U0NIGHT']);
    const { file } = await writeLabConfig(describeLab(lab), {
      dir,
      port: 0,
      database: 'env:GROUNDSKEEPER_PICTURES_DATABASE',
      mcpScope: 'read',
      rollout: { soak: '2s', pollInterval: '200ms' },
      sampleEvery: '2s',
      healthCordon: 'off',
      assistant: { baseUrl: model.baseUrl, model: 'scripted' },
      slack: linked.slack,
    });
    const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') });
    ends.push(() => postgres.stop());
    const env = { ...linked.env, GROUNDSKEEPER_PICTURES_DATABASE: postgres.url };
    const service = await startChild(['serve', '--config', file, '--log-level', 'warn'], env);
    ends.push(() => service.stop());
    return { lab, slack, model, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Looks until `check` gives something; throws with `what` after three minutes. */
export async function until<T>(what: string, check: () => T | undefined): Promise<T> {
  const giveUp = Date.now() + 180_000;
  for (;;) {
    const found = check();
    if (found !== undefined) return found;
    if (Date.now() > giveUp) throw new Error(`waited in vain for ${what}`);
    await delay(100);
  }
}
