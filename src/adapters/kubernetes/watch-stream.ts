/** A watch as the API sends it: one JSON event on each line, for as long as the connection holds. */
import { z } from 'zod';
import { ofKind } from './reading.ts';

const eventSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.looseObject({
    metadata: z.looseObject({ resourceVersion: z.string().optional(), uid: z.string().optional() }).optional(),
  }),
});
export type WatchEvent = z.output<typeof eventSchema>;

const longestLine = 32 * 1024 * 1024;

/** What a watch says in place of an event when it cannot go on. */
export class WatchError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The events in order; ends when the server ends the stream. Throws WatchError, and an Error for anything unreadable. */
export async function* watchEvents(body: AsyncIterable<Uint8Array>, onData: () => void): AsyncGenerator<WatchEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    onData();
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) throw new Error('a watch event is too long');
    for (const line of lines) if (line.trim() !== '') yield eventOf(line);
  }
}

function eventOf(line: string): WatchEvent {
  const event = eventSchema.parse(JSON.parse(line));
  if (event.type !== 'ERROR') return event;
  const { code, message } = ofKind('Status', event.object as { kind?: string; code?: unknown; message?: unknown });
  throw new WatchError(typeof code === 'number' ? code : 500, typeof message === 'string' ? message : '');
}
