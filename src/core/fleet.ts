/**
 * The fleet as an operator declares it: which server sits behind which node,
 * what firmware is wanted, and how many nodes may be down at once. A **server**
 * is the machine, a **node** its Kubernetes identity, a **BMC** the controller
 * that reaches the machine when its operating system does not answer.
 */
import type { BiosValue } from './bios.ts';
import type { Component, Vendor } from './bmc.ts';

export type NodeRole = 'control-plane' | 'worker';

export type FleetServer = {
  /** `https://host[:port]` of the BMC, without a path. */
  bmcUrl: string;
  /** Name of an entry under `credentials`; the secret itself never leaves the Redfish adapter. */
  credential: string;
  /** SHA-256 of the BMC certificate's public key (SPKI), base64; undefined where a CA vouches for it. */
  spki?: string;
  /** Serial the operator expects; checked beside the UUID where present. */
  serial?: string;
  /** The ComputerSystem meant, where one BMC serves several. */
  systemUri?: string;
  /** Servers of one rack share their air. */
  rack?: string;
};

export type FleetNode = {
  name: string;
  site: string;
  cluster: string;
  role: NodeRole;
  server: FleetServer;
};

/** Upper bound of nodes of one cluster that may be unavailable at once, whatever the cause. Never unset: zero means none. */
export type Budget = { maxUnavailable: number };

/** The tighter of a number and a percentage of the nodes, rounded down: 10 % of nine nodes is none. */
export function budgetOf({ maxUnavailable, maxPercent }: Budget & { maxPercent?: number }, nodes: number): Budget {
  if (maxPercent === undefined) return { maxUnavailable };
  return { maxUnavailable: Math.min(maxUnavailable, Math.floor((nodes * maxPercent) / 100)) };
}

export type FleetCluster = {
  name: string;
  site: string;
  budget: Budget;
  nodes: FleetNode[];
  /** Others that reboot or replace its nodes may be paused while one is worked on; else they are in the way. */
  pausesRemediators?: true;
};

export type FleetSite = {
  name: string;
  /** IANA name, such as `America/New_York`. */
  timeZone: string;
  /** CIDR that every BMC address of this site lies in. */
  bmcNetwork: string;
  /** Name of the site's baseline, when it has one. */
  baseline?: string;
  clusters: FleetCluster[];
};

/** One image of the firmware catalogue. A model or person names it by `id`, never by address. */
export type FirmwareImage = {
  id: string;
  vendor: Vendor;
  /** Exact `Model` strings of the ComputerSystem that the image is for. */
  models: string[];
  component: Component;
  /** Of an image for drives: exact `Model` strings of the drives that it is for. */
  drives?: string[];
  version: string;
  /** Oldest version that it installs over, where its vendor names one. */
  needs?: string;
  /** Oldest version that a server may go back to once it runs this one, where its vendor names one. */
  backTo?: string;
  /** Absolute path of the file, or an https URL it is fetched from before it is offered to a BMC. */
  source: { file: string } | { url: string };
  /** Hex SHA-256 of the image; part of every plan that uses it. */
  sha256: string;
};

/** BIOS attributes as the BIOS of these models calls them, and what each is to be. */
export type BiosBaseline = { models: string[]; attributes: Record<string, BiosValue> };

/** Wanted firmware: catalogue image ids, at most one per model and component, or per model of a drive; and wanted settings, at most once per model. */
export type Baseline = { name: string; images: string[]; bios?: BiosBaseline[] };

export type Fleet = {
  sites: FleetSite[];
  images: FirmwareImage[];
  baselines: Baseline[];
};

export type Person = { name: string; groups: string[] };

/**
 * Who asks for what nobody asked for: the program itself, on what it measured. It is on record as the requester like a
 * person, no configuration may give its name or group to anybody, and it never logs in and never votes.
 */
export const servicePerson: Person = { name: 'groundskeeper', groups: ['groundskeeper'] };

/** Whether a name or group looks like the program's own, in any letter case. */
export function isServiceName(name: string): boolean {
  return name.toLowerCase() === servicePerson.name;
}

export function allNodes(fleet: Fleet): FleetNode[] {
  return fleet.sites.flatMap(site => site.clusters.flatMap(cluster => cluster.nodes));
}

/** What the configuration says now of clusters and nodes that a plan of earlier names. */
export type FleetNow = {
  /** Of a cluster that is gone from it: none. */
  budgetOf(cluster: string): Budget;
  clusterOf(node: string): string | undefined;
  /** Whether others that repair nodes of the cluster may be paused. */
  mayPause(cluster: string): boolean;
};

export function fleetNow({ sites }: Pick<Fleet, 'sites'>): FleetNow {
  const clusters = new Map(sites.flatMap(site => site.clusters.map(cluster => [cluster.name, cluster])));
  const homes = new Map(
    [...clusters.values()].flatMap(({ nodes }) => nodes.map(({ name, cluster }) => [name, cluster])),
  );
  return {
    budgetOf: cluster => clusters.get(cluster)?.budget ?? { maxUnavailable: 0 },
    clusterOf: node => homes.get(node),
    mayPause: cluster => clusters.get(cluster)?.pausesRemediators === true,
  };
}

/** Of what was approved and what is configured now, neither is exceeded. */
export function tighter(one: Budget, other: Budget): Budget {
  return { maxUnavailable: Math.min(one.maxUnavailable, other.maxUnavailable) };
}
