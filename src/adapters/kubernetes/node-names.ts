/** Which nodes a selector selects, by the API server's own judgement. */
import type { Reach } from './reach.ts';
import { readList } from './reading.ts';

/** All nodes for the empty text. Throws FleetError. */
export function nodeNames({ core, context }: Reach, labelSelector: string): Promise<string[]> {
  return readList(
    { ...context('the nodes'), kind: 'NodeList' },
    page => core.listNode({ ...page, ...(labelSelector === '' ? {} : { labelSelector }) }),
    ({ metadata }) => metadata?.name ?? '',
  );
}
