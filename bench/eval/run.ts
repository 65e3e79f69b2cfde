/** Goes through tasks scene by scene, and ends where it is stopped. */
import { preparedScene } from './prepared-scene.ts';
import { type Scene, type SceneOptions, sceneNames } from './scene.ts';
import type { Task } from './task.ts';

export type RunOptions = SceneOptions & {
  signal?: AbortSignal;
  onScene?(name: string): void;
  each(scene: Scene, task: Task): Promise<void>;
};

/** Throws what `each` throws, unless it was stopped. */
export async function inScenes(tasks: Task[], { signal, onScene, each, ...options }: RunOptions): Promise<void> {
  for (const name of sceneNames) {
    const here = tasks.filter(({ scene }) => scene === name);
    if (here.length === 0 || signal?.aborted) continue;
    onScene?.(name);
    const scene = await preparedScene(name, options);
    try {
      for (const task of here) if (!signal?.aborted) await each(scene, task);
    } catch (thrown) {
      if (!signal?.aborted) throw thrown;
    } finally {
      await scene.close();
    }
  }
}
