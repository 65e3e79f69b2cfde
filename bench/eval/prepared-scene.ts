/** A scene as its tasks find it. */
import { makeBusy } from './busy.ts';
import { openScene, type Scene, type SceneName, type SceneOptions } from './scene.ts';
import { makeSick } from './sick.ts';

const prepare: Record<SceneName, (scene: Scene) => Promise<void>> = {
  calm: async () => undefined,
  sick: makeSick,
  busy: makeBusy,
};

export async function preparedScene(name: SceneName, options: SceneOptions): Promise<Scene> {
  const scene = await openScene(name, options);
  try {
    await prepare[name](scene);
    return scene;
  } catch (thrown) {
    await scene.close();
    throw thrown;
  }
}
