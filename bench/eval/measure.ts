/** As many attempts at a task as were asked for, with the model that the scene has. */
import { FleetError } from '../../src/core/errors.ts';
import { type Attempt, attempt } from './attempt.ts';
import type { Scene } from './scene.ts';
import type { Task } from './task.ts';

/** Attempts without an answer, one after another, after which the endpoint is taken for gone. */
const mostUnmeasured = 3;

/** Throws model_unavailable where the model gave no answer several times in a row; `onAttempt` has heard of each. */
export function measurer(times: number, onAttempt: (done: Attempt) => void, signal: AbortSignal) {
  let unmeasured = 0;
  return async (scene: Scene, task: Task): Promise<void> => {
    for (let time = 0; time < times && !signal.aborted; time++) {
      const done = await attempt(scene, task, { signal });
      onAttempt(done);
      unmeasured = done.unmeasured === undefined ? 0 : unmeasured + 1;
      if (unmeasured === mostUnmeasured)
        throw new FleetError({
          code: 'model_unavailable',
          message: `the model gave no answer ${mostUnmeasured} times in a row: ${done.unmeasured}`,
        });
    }
  };
}
