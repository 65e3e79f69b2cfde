/**
 * One cluster as its watches hold it: nodes, pods, budgets and DaemonSets as
 * facts, for questions that come often and over many clusters. It may be
 * behind; nothing is done to a cluster on its word.
 */
import type { V1DaemonSet, V1Node, V1Pod, V1PodDisruptionBudget } from '@kubernetes/client-node';
import type Bottleneck from 'bottleneck';
import type { ClusterView, DaemonSetFacts, NodeFacts, PdbFacts, PodFacts } from '../../core/cluster-facts.ts';
import type { Connection } from './connection.ts';
import { daemonSetFacts } from './facts.ts';
import type { CallContext } from './failures.ts';
import { type Followed, type MirrorTimings, Reflector } from './reflector.ts';
import { sharedNodeFacts, sharedPdbFacts, sharedPodFacts } from './shared-facts.ts';
import type { Sharing } from './sharing.ts';

export type MirrorOptions = {
  connection: Connection;
  context: Omit<CallContext, 'access' | 'subject'>;
  pages: Bottleneck;
  sharing: Sharing;
  timings: MirrorTimings;
};

export class ClusterMirror {
  readonly #timeoutMs: number;
  readonly #nodes: Reflector<NodeFacts>;
  readonly #pods: Reflector<PodFacts>;
  readonly #pdbs: Reflector<PdbFacts>;
  readonly #daemonSets: Reflector<DaemonSetFacts>;

  /** Begins to watch at once. */
  constructor({ connection, context, pages, sharing, timings }: MirrorOptions) {
    this.#timeoutMs = connection.timeoutMs;
    const follow = <F>(subject: string, followed: Followed<F>) =>
      new Reflector({ ...followed, connection, context: { ...context, subject }, pages, timings });
    this.#nodes = follow('the nodes', {
      path: '/api/v1/nodes',
      kind: 'NodeList',
      facts: object => sharedNodeFacts(sharing, object as V1Node),
    });
    this.#pods = follow('the pods', {
      path: '/api/v1/pods',
      kind: 'PodList',
      facts: object => sharedPodFacts(sharing, object as V1Pod),
    });
    this.#pdbs = follow('the PodDisruptionBudgets', {
      path: '/apis/policy/v1/poddisruptionbudgets',
      kind: 'PodDisruptionBudgetList',
      facts: object => sharedPdbFacts(sharing, object as V1PodDisruptionBudget),
    });
    this.#daemonSets = follow('the DaemonSets', {
      path: '/apis/apps/v1/daemonsets',
      kind: 'DaemonSetList',
      facts: object => daemonSetFacts(object as V1DaemonSet),
    });
  }

  /** Waits for the first content, at most for the time limit of a request. Throws FleetError. */
  async view(): Promise<ClusterView> {
    const all = this.#all();
    await Promise.all(all.map(reflector => reflector.ready(this.#timeoutMs)));
    const lost = all.map(({ lostSince }) => lostSince).filter(time => time !== undefined);
    return {
      nodes: this.#nodes.content,
      pods: this.#pods.content,
      pdbs: this.#pdbs.content,
      daemonSets: this.#daemonSets.content,
      asOf: new Date(Math.min(...all.map(({ heardAt }) => heardAt))).toISOString(),
      ...(lost.length === 0 ? {} : { lostSince: new Date(Math.min(...lost)).toISOString() }),
    };
  }

  /** Ends all watches; resolves once nothing goes on any more. */
  async close(): Promise<void> {
    await Promise.all(this.#all().map(reflector => reflector.close()));
  }

  #all(): Pick<Reflector<unknown>, 'ready' | 'heardAt' | 'lostSince' | 'close'>[] {
    return [this.#nodes, this.#pods, this.#pdbs, this.#daemonSets];
  }
}
