/**
 * WATCH: one JSON line per change after the version that the client names.
 * An object that leaves the selector is DELETED for this client, and a version
 * that is forgotten is answered inside the stream, because the 200 is out.
 */
import { badRequest, expired } from '../model/failure.ts';
import type { KubeObject } from '../model/objects.ts';
import { apiVersionOf, storeKey } from '../model/resources.ts';
import type { Match } from '../model/selectors.ts';
import type { Change, Store } from '../model/store.ts';
import { selectionOf, type Target, wholeNumber } from './request.ts';

export type WatchStream = {
  write(line: string): void;
  /** Ends the stream in order. */
  end(): void;
  /** Calls back once the client or the server closed it. */
  onClose(closed: () => void): void;
};

export type WatchOptions = {
  store: Store;
  target: Target;
  query: URLSearchParams;
  /** The form in which this client wants its objects, such as a table. */
  render: (object: KubeObject) => object;
  /** Wall-clock milliseconds between bookmarks. */
  bookmarkMs: number;
};

/** Checks the request (400), then opens the stream and follows the store until either side closes. */
export function watch(options: WatchOptions, open: () => WatchStream): void {
  const { store, target, query, render } = options;
  const plural = storeKey(target.kind);
  const matches = selectionOf(target, query);
  const bookmarks = query.get('allowWatchBookmarks') === 'true';
  const initial = query.get('sendInitialEvents') === 'true';
  if (initial && query.get('resourceVersionMatch') !== 'NotOlderThan') {
    throw badRequest('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
  const since = wholeNumber(query, 'resourceVersion') ?? 0;
  const seconds = wholeNumber(query, 'timeoutSeconds') ?? 1800;
  const stream = open();
  const send = (type: string, object: object) => stream.write(`${JSON.stringify({ type, object })}\n`);
  const bookmark = (annotations?: Record<string, string>) =>
    send('BOOKMARK', {
      kind: target.kind.kind,
      apiVersion: apiVersionOf(target.kind),
      metadata: { resourceVersion: String(store.version), ...(annotations ? { annotations } : {}) },
    });
  const follow = (change: Change) => {
    const seen = seenAs(change, matches);
    if (seen) send(seen.type, render(seen.object));
  };

  if (since === 0 || initial) {
    for (const object of store.list(plural, target.namespace).filter(matches)) send('ADDED', render(object));
    if (initial && bookmarks) bookmark({ 'k8s.io/initial-events-end': 'true' });
  } else {
    const missed = store.changesSince(plural, since);
    if (missed === undefined) {
      send('ERROR', expired(`too old resource version: ${since} (${store.version})`).body);
      stream.end();
      return;
    }
    missed.forEach(follow);
  }
  const unfollow = store.onChange(change => {
    if (change.plural === plural) follow(change);
  });
  const ticking = bookmarks ? setInterval(() => bookmark(), options.bookmarkMs) : undefined;
  const ending = setTimeout(() => {
    if (bookmarks) bookmark();
    leave();
    stream.end();
  }, seconds * 1000);
  const leave = () => {
    unfollow();
    clearInterval(ticking);
    clearTimeout(ending);
  };
  stream.onClose(leave);
}

function seenAs(change: Change, matches: Match): { type: Change['type']; object: KubeObject } | undefined {
  const { before, object, type } = change;
  const was = before !== undefined && matches(before);
  const is = type !== 'DELETED' && matches(object);
  if (was && is) return { type: 'MODIFIED', object };
  if (is) return { type: 'ADDED', object };
  if (!was) return undefined;
  const { resourceVersion } = object.metadata;
  const last = type === 'DELETED' ? object : before;
  return { type: 'DELETED', object: { ...last, metadata: { ...last.metadata, resourceVersion } } };
}
