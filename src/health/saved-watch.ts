/** What the watch last wrote down of one server: for processes that look at none themselves, and right after a restart. */
import type { StateStore } from '../core/health-records.ts';
import { openWatch, type Watch, type WatchedServer } from './watch.ts';

type Saved = { servers: WatchedServer[]; states: StateStore };

/** A server that nobody declares shows nothing, which is never a reason to act. */
export function savedWatch({ servers, states }: Saved): (node: string) => Promise<Pick<Watch, 'findings' | 'readAt'>> {
  return node =>
    openWatch({
      servers: servers.filter(server => server.node === node),
      states,
      archive: { put: nothing, list: async () => [] },
      history: { add: nothing },
      onChange: () => {},
      onError: () => {},
    });
}

async function nothing(): Promise<void> {}
