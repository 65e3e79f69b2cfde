/**
 * Splits nodes into waves. A wave never takes two nodes from one failure
 * domain, one PodDisruptionBudget group or one BMC, and never more than the
 * budget leaves, so losing a whole wave still leaves each domain serving. What
 * hangs on a target's BMC counts against the budget with it.
 */

export type WaveTarget = {
  name: string;
  /** Failure domain. When any target has one, a target without goes alone: it may share a domain with any other. */
  zone?: string;
  /** Qualified names of the PodDisruptionBudgets that count its pods. */
  pdbGroups: string[];
  /** Where its BMC is. */
  bmc?: string;
  /** Other nodes of the cluster behind that BMC. */
  beside?: string[];
  /** Not serving now. Such nodes come last, so that the canary is a node that works. */
  unavailable?: boolean;
};

export type WaveRequest = {
  targets: WaveTarget[];
  /** Upper bound of unavailable nodes in the cluster. Zero means none, never unlimited. */
  maxUnavailable: number;
  /** Nodes of the cluster that are unavailable before the first wave, targets among them included. */
  alreadyUnavailable: number;
  /** Most nodes of the first wave; zero means no canary. */
  canary: number;
};

export type WavePlan = { waves: string[][] } | { refused: string };

/** Every target exactly once, in an order that depends on nothing but the request; the nodes of a wave run in parallel. */
export function planWaves(request: WaveRequest): WavePlan {
  const refused = refusal(request);
  if (refused) return { refused };
  const room = roomOf(request);
  const zoned = request.targets.some(target => target.zone);
  const waves: string[][] = [];
  let remaining = request.targets.toSorted(byAvailabilityThenName);
  while (remaining.length > 0) {
    const most = waves.length === 0 && request.canary > 0 ? request.canary : remaining.length;
    const wave: WaveTarget[] = [];
    const left: WaveTarget[] = [];
    for (const target of remaining) {
      const fits = wave.length < most && widthOf([...wave, target]) <= room;
      const apart = !wave.some(member => conflict(member, target, zoned));
      (fits && apart ? wave : left).push(target);
    }
    waves.push(wave.map(target => target.name));
    remaining = left;
  }
  return { waves };
}

function refusal(request: WaveRequest): string | undefined {
  const { maxUnavailable, alreadyUnavailable, canary } = request;
  if (!isCount(maxUnavailable)) return 'maxUnavailable is not a whole number of nodes';
  if (!isCount(alreadyUnavailable)) return 'the number of unavailable nodes is not known';
  if (!isCount(canary)) return 'canary is not a whole number of nodes';
  const names = new Set(request.targets.map(target => target.name));
  if (names.size < request.targets.length) return 'a node is named twice';
  if (maxUnavailable === 0) return 'the budget is 0: no node of this cluster may be taken down';
  if (alreadyUnavailable >= maxUnavailable) {
    return `${alreadyUnavailable} nodes are unavailable already, and the budget is ${maxUnavailable}`;
  }
  const wide = request.targets.find(target => widthOf([target]) > roomOf(request));
  return wide && `${wide.name} and those beside it are more nodes than the budget leaves`;
}

function roomOf({ maxUnavailable, alreadyUnavailable }: WaveRequest): number {
  return maxUnavailable - alreadyUnavailable;
}

/** Nodes that may be away while these are worked on. No two of them share a BMC, so none is counted twice. */
function widthOf(targets: WaveTarget[]): number {
  return targets.reduce((sum, { beside = [] }) => sum + 1 + beside.length, 0);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function conflict(a: WaveTarget, b: WaveTarget, zoned: boolean): boolean {
  const sameDomain = zoned && (!a.zone || !b.zone || a.zone === b.zone);
  const sameBmc = a.bmc !== undefined && a.bmc === b.bmc;
  return sameDomain || sameBmc || a.pdbGroups.some(group => b.pdbGroups.includes(group));
}

/** Code-point order: the same on every machine, whatever its locale. */
function byAvailabilityThenName(a: WaveTarget, b: WaveTarget): number {
  const availability = Number(a.unavailable ?? false) - Number(b.unavailable ?? false);
  if (availability !== 0) return availability;
  return a.name < b.name ? -1 : 1;
}
