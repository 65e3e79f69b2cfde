/** What this process asks API servers, seen where undici sends it: every request since the beginning, and the open watches. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

type Sent = { origin: string; method: string; path: string };

export function sentRequests(): { all: Sent[]; openWatches(): string[]; stop(): void } {
  const all: Sent[] = [];
  const open = new Map<object, string>();
  const onCreate = (message: unknown) => {
    const { request } = message as { request: Sent };
    const { origin, method, path } = request;
    all.push({ origin: String(origin), method, path });
    if (/[?&]watch=true/.test(path)) open.set(request, path.split('?')[0] ?? '');
  };
  const onEnd = (message: unknown) => void open.delete((message as { request: object }).request);
  subscribe('undici:request:create', onCreate);
  subscribe('undici:request:trailers', onEnd);
  subscribe('undici:request:error', onEnd);
  return {
    all,
    openWatches: () => [...open.values()].sort(),
    stop: () => {
      unsubscribe('undici:request:create', onCreate);
      unsubscribe('undici:request:trailers', onEnd);
      unsubscribe('undici:request:error', onEnd);
    },
  };
}
