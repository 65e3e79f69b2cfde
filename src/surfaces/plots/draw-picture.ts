/**
 * A picture as PNG, drawn in a thread of its own: what it loads is large and
 * seldom needed, is given back with the thread, and holds nobody else up.
 */
import { Worker } from 'node:worker_threads';
import { FleetError } from '../../core/errors.ts';
import type { Picture } from '../../core/picture.ts';

const timeoutMs = 60_000;
let last: Promise<unknown> = Promise.resolve();

/** One at a time. Throws `internal` where it cannot be drawn. */
export function drawPicture(picture: Picture): Promise<Uint8Array> {
  const mine = last.then(() => draw(picture));
  last = mine.catch(() => undefined);
  return mine;
}

async function draw(picture: Picture): Promise<Uint8Array> {
  const worker = new Worker(new URL('./draw-worker.ts', import.meta.url), { workerData: picture });
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const cannot = (why: string, cause?: unknown) =>
    reject(new FleetError({ code: 'internal', message: `the ${picture.kind} plot was not drawn: ${why}`, cause }));
  const late = setTimeout(() => cannot('it took too long'), timeoutMs);
  worker.once('message', resolve);
  worker.once('error', error => cannot('it failed', error));
  worker.once('exit', () => cannot('its thread ended'));
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    await worker.terminate();
  }
}
