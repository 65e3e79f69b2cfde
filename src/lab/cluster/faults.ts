/** What can be made to go wrong between a cluster's API server and its clients. */

export type ClusterFault =
  /** Every connection is reset once it asks something. */
  | 'reset'
  /** Requests are taken and never answered. */
  | 'hang'
  /** Every authenticated request is answered 503. */
  | 'unavailable'
  /** Performs the next write, then drops its connection instead of answering; clears itself. */
  | 'drop-after-write';

export class ClusterFaults {
  readonly #active = new Set<ClusterFault>();

  set(fault: ClusterFault): void {
    this.#active.add(fault);
  }

  clear(fault?: ClusterFault): void {
    if (fault === undefined) this.#active.clear();
    else this.#active.delete(fault);
  }

  has(fault: ClusterFault): boolean {
    return this.#active.has(fault);
  }

  /** Whether the fault was set; it is not afterwards. */
  take(fault: ClusterFault): boolean {
    return this.#active.delete(fault);
  }
}
