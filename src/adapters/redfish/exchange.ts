/**
 * One request and its whole answer. Takes undici at its lowest level: a sweep
 * makes tens of thousands of small requests, and streams would cost more than
 * what they carry.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

export type Received = { status: number; headers: IncomingHttpHeaders; bytes: Buffer };

/** Rejects with a TimeoutError when the answer is not whole after `withinMs`, and with what undici gives. */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  withinMs: number,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const received: Received = { status: 0, headers: {}, bytes: Buffer.alloc(0) };
    const chunks: Buffer[] = [];
    let sent: Dispatcher.DispatchController | undefined;
    let late: Error | undefined;
    const deadline = setTimeout(() => {
      late = new DOMException(`no whole answer within ${withinMs} ms`, 'TimeoutError');
      sent?.abort(late);
      reject(late);
    }, withinMs);
    dispatcher.dispatch(request, {
      onRequestStart(controller) {
        sent = controller;
        if (late !== undefined) controller.abort(late);
      },
      onResponseStart(_controller, status, headers) {
        received.status = status;
        received.headers = headers;
      },
      onResponseData(_controller, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        clearTimeout(deadline);
        received.bytes = Buffer.concat(chunks);
        resolve(received);
      },
      onResponseError(_controller, error) {
        clearTimeout(deadline);
        reject(error);
      },
    });
  });
}
