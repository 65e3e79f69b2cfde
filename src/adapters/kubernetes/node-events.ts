/** Events about Nodes, which are in no namespace: who writes them and who reads them have to agree on one. */
import type { NewNodeEvent } from '../../core/cluster.ts';
import type { EventFacts } from '../../core/cluster-facts.ts';
import { readEvents } from './events.ts';
import { eventFacts } from './facts.ts';
import { translate } from './failures.ts';
import type { Reach } from './reach.ts';
import { ofKind } from './reading.ts';

/** Where `kubectl describe node` looks for the events of a Node. */
const namespace = 'default';

/** Newest first. */
export async function readNodeEvents(reach: Reach, node: string): Promise<EventFacts[]> {
  const context = reach.context(`the events of node ${node}`);
  return readEvents(reach.core, { context, regarding: { kind: 'Node', namespace, name: node }, toFacts: eventFacts });
}

/** One of this name that exists already is left as it is. */
export async function createNodeEvent(reach: Reach, event: NewNodeEvent): Promise<void> {
  const { name, node, type, reason, message } = event;
  const now = new Date();
  const body = {
    metadata: { name, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid },
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component: 'groundskeeper' },
  };
  try {
    ofKind('Event', await reach.core.createNamespacedEvent({ namespace, body }));
  } catch (thrown) {
    const error = translate(thrown, { ...reach.context(`an event of node ${node.name}`), access: 'write' });
    if (error.code !== 'conflict') throw error;
  }
}
