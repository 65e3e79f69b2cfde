/** What the scheduler judges by when it looks for a node for a pod, free of the client library's types. */

/** An amount of what the scheduler counts: millicores, bytes, bytes, pods. */
export type Resources = { cpu: number; memory: number; ephemeralStorage: number; pods: number };

export type Taint = { key: string; value?: string; effect: string /** RFC 3339. */; timeAdded?: string };

export type Toleration = {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  /** Seconds for which a NoExecute taint is tolerated; for ever where left out. */
  seconds?: number;
};

/** What a pod asks of the node it runs on, as far as a forecast judges it. */
export type Placement = {
  nodeSelector: Record<string, string>;
  /** Required node affinity: one term must hold. Empty where it asks for none. */
  nodeTerms: NodeTerm[];
  tolerations: Toleration[];
  hostPorts: number[];
  /** Topology key and selector of required pod anti-affinity. */
  antiAffinity: { topologyKey: string; selector: LabelSelector; namespaces: string[] }[];
  /** Of the volumes behind its claims, those that not every node can use; undefined where nobody looked. */
  volumes?: VolumeTie[];
  /** Requirements that a forecast here does not judge, in the API's names, such as `topologySpreadConstraints`. */
  unjudged: string[];
};

export type LabelSelector = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] }[];
};

/** A node selector term: all its requirements hold together. */
export type NodeTerm = { labels: Requirement[]; fields: Requirement[] };
export type Requirement = { key: string; operator: string; values: string[] };

/** A bound volume that only nodes of one of these terms can use. */
export type VolumeTie = {
  volume: string;
  /** `namespace/name` of the claim. */
  claim: string;
  terms: NodeTerm[];
};

/** For people: `dedicated=db:NoSchedule`. */
export function taintText({ key, value, effect }: Taint): string {
  return `${key}${value ? `=${value}` : ''}:${effect}`;
}
