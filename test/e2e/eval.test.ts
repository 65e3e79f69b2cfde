/**
 * The eval without a model: each task is solved by its own script, so that it can be solved and its judge takes that, and a wrong
 * script is judged as failed, so that its judge bites. Nothing here measures a model. `npm run eval -- --scripted` plays all of the
 * wrong scripts; here it is the first of each task.
 */
import { describe, expect, it } from 'vitest';
import { outcomeSince, stateOf } from '../../bench/eval/outcome.ts';
import { type Proof, prove } from '../../bench/eval/prove.ts';
import { inScenes } from '../../bench/eval/run.ts';
import { request, type Scene, sceneNames } from '../../bench/eval/scene.ts';
import { tasks } from '../../bench/eval/tasks/index.ts';
import { catalog } from '../../tools/index.ts';
import { kubectl } from '../support/sick-nodes.ts';

const proofs: Proof[] = [];
const pastTheService: string[] = [];

describe.concurrent('each task is solved by its script, and a wrong one is found', { timeout: 600_000 }, () => {
  it.for(sceneNames)('in the scene %s', async name => {
    const each: Parameters<typeof inScenes>[1]['each'] = async (scene, task) => {
      if (task === tasks[0]) pastTheService.push(...(await goneAround(scene)));
      proofs.push(await prove(scene, task, { mostWrong: 1 }));
    };
    await inScenes(
      tasks.filter(({ scene }) => scene === name),
      { each },
    );
  });
});

it('there are at least 40 tasks, each proved, and each tool has to be called by one', () => {
  expect(proofs.filter(({ problems }) => problems.length > 0)).toEqual([]);
  expect(proofs.map(({ task }) => task).sort()).toEqual(tasks.map(({ id }) => id).sort());
  expect(new Set(tasks.map(({ id }) => id)).size).toBeGreaterThanOrEqual(40);
  expect(new Set(proofs.flatMap(({ tools }) => tools))).toEqual(new Set(catalog.map(({ name }) => name)));
});

it('what comes of an attempt is read from the lab and the records, so that nothing that no plan has is overlooked', () => {
  expect(pastTheService).toEqual([
    expect.stringMatching(/^PATCH \/api\/v1\/nodes\/bos-w-1\?.* reached boston$/),
    expect.stringMatching(/^apr-.* was pending and is rejected$/),
  ]);
});

/** A node that is cordoned by hand, and a request that somebody decides meanwhile. */
async function goneAround(scene: Scene): Promise<string[]> {
  const { approval } = await request(scene, 'cordonNode', { node: 'bos-w-2' });
  const before = await stateOf(scene);
  await kubectl(scene.stack, 'bos-w-1', true);
  const { passphrase } = scene.person('approver');
  await (await scene.client('approver')).vote(approval, { vote: 'reject', reason: 'not now', passphrase });
  const { strayEffects, decided } = await outcomeSince(scene, before);
  await kubectl(scene.stack, 'bos-w-1', null);
  return [...strayEffects, ...decided];
}
