/**
 * One stream of events, on a connection of its own: it lasts for days, so it
 * must hold no place in the lanes that reads wait for.
 */
import { Client, type Dispatcher } from 'undici';
import { ConnectFailure, pinnedConnector, type Trust } from '../pinned-connector.ts';
import { AnswerLost, type Timeouts, type WireAnswer } from '../transport.ts';
import { EndlessEvent, SseParser } from './sse-parser.ts';

export type StreamDoor = { origin: string; trust: Trust; timeouts: Timeouts };

export type StreamRequest = {
  path: string;
  headers: Record<string, string>;
  /** A stream without a byte for so many milliseconds ends: its BMC may be long gone. */
  silentMs: number;
  /** Called for each event. */
  heard(): void;
  signal: AbortSignal;
};

/** `senseless`: it sends more than anybody means to say, or what has no end. */
export type StreamEnd = 'closed' | 'broken' | 'silent' | 'senseless' | 'stopped';

export type OpenedStream = {
  /** Without a body. */
  answer: WireAnswer;
  /** What the answer began; undefined where it is no stream of events. */
  stream?: { ended: Promise<StreamEnd>; lastEventId(): string | undefined };
};

/** A storm of 10,000 events is 7 MB. */
const maxBytesPerMinute = 32 * 1024 * 1024;

/** Opens it once, with the BMC's identity proved first. Throws ConnectFailure, or AnswerLost where no answer began. */
export async function openStream(door: StreamDoor, request: StreamRequest): Promise<OpenedStream> {
  const { path, signal, silentMs } = request;
  const { connectMs, answerMs } = door.timeouts;
  const client = new Client(door.origin, { connect: pinnedConnector(door.trust, connectMs, () => {}) });
  const opened = Promise.withResolvers<OpenedStream>();
  const ended = Promise.withResolvers<StreamEnd>();
  const leave = () => void client.destroy().catch(() => undefined);
  signal.addEventListener('abort', leave, { once: true });
  void ended.promise.then(() => {
    signal.removeEventListener('abort', leave);
    leave();
  });
  const headers = { accept: 'text/event-stream', 'accept-encoding': 'identity', ...request.headers };
  client.dispatch(
    { method: 'GET', path, headers, headersTimeout: answerMs, bodyTimeout: silentMs },
    listener({ request, opened, ended }),
  );
  if (signal.aborted) leave();
  return opened.promise;
}

type Listening = {
  request: StreamRequest;
  opened: PromiseWithResolvers<OpenedStream>;
  ended: PromiseWithResolvers<StreamEnd>;
};

function listener({ request: { heard, signal }, opened, ended }: Listening): Dispatcher.DispatchHandler {
  const parser = new SseParser(heard);
  const isTooMuch = allowance();
  return {
    // undici takes an object for a handler only where it has this.
    onRequestStart() {},
    onResponseStart(controller, status, headers) {
      const answer = { status, header: (name: string) => headers[name]?.toString(), bytes: Buffer.alloc(0) };
      const isStream = status === 200 && /^text\/event-stream\b/i.test(answer.header('content-type') ?? '');
      if (isStream)
        return opened.resolve({ answer, stream: { ended: ended.promise, lastEventId: () => parser.lastEventId } });
      opened.resolve({ answer });
      controller.abort(new Error('no stream of events'));
    },
    onResponseData(controller, chunk) {
      try {
        if (isTooMuch(chunk.length)) throw new EndlessEvent('it sends without end');
        parser.take(chunk);
      } catch (error) {
        if (!(error instanceof EndlessEvent)) throw error;
        ended.resolve('senseless');
        controller.abort(error);
      }
    },
    onResponseEnd: () => ended.resolve('closed'),
    onResponseError(_controller, error) {
      opened.reject(error instanceof ConnectFailure ? error : new AnswerLost('broken', error));
      ended.resolve(signal.aborted ? 'stopped' : isSilence(error) ? 'silent' : 'broken');
    },
  };
}

/** Tells whether these bytes are more than a minute may bring. */
function allowance(): (bytes: number) => boolean {
  let since = Date.now();
  let taken = 0;
  return bytes => {
    if (Date.now() - since > 60_000) {
      since = Date.now();
      taken = 0;
    }
    taken += bytes;
    return taken > maxBytesPerMinute;
  };
}

function isSilence(error: Error): boolean {
  return 'code' in error && error.code === 'UND_ERR_BODY_TIMEOUT';
}
