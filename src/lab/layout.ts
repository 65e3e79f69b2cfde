/**
 * Who lives where: names, addresses, vendors and racks of the lab, all
 * computed from a few numbers so that a lab looks the same at every start.
 */
import type { NodeRole } from '../core/fleet.ts';
import { bmcProfiles, type LabMachine, usualMachines } from './bmc/profiles/catalog.ts';
import type { LabVendor } from './bmc/profiles/profile.ts';

export type LayoutOptions = {
  sites: number;
  /** Per site. */
  controlPlanes: number;
  /** Per site. */
  workers: number;
  /** Zones of each cluster, a rack each, over which the nodes of a role are spread in turn; default 2. */
  zones?: number;
  /** What the nodes are, taken in turn; default the usual machines. */
  machines?: readonly LabMachine[];
  /** First two bytes of all addresses; default `127.20`. */
  addressBase?: string;
  /** Set, everything listens on 127.0.0.1 with consecutive ports from here, as where only one loopback address exists. */
  basePort?: number;
};

export type Endpoint = { address: string; port: number };
export type NodeLayout = {
  name: string;
  role: NodeRole;
  zone: string;
  machine: LabMachine;
  vendor: LabVendor;
  bmc: Endpoint;
};
export type SiteLayout = {
  name: string;
  /** CIDR that every BMC address of the site lies in. */
  bmcNetwork: string;
  api: Endpoint;
  nodes: NodeLayout[];
};

const siteNames = ['boston', 'chicago', 'seattle'];
/** Fewer to a zone share one rack: where one is alone in its zone, whatever is done to it is an outage of that zone. */
const fewestPerZone = 2;
const letters = 'abcdefghijklmnopqrstuvwxyz';
const bmcPort = 8443;
const apiPort = 6443;

/** Lays the lab out. Workers begin with the second machine, so that worker 3 of each site is a Dell. */
export function layOut(options: LayoutOptions): SiteLayout[] {
  const { sites, controlPlanes, workers, machines = usualMachines, addressBase = '127.20', basePort } = options;
  const { zones = 2 } = options;
  const perSite = 1 + controlPlanes + workers;
  return range(sites).map(site => {
    const name = siteNames[site - 1] ?? `site-${site}`;
    const prefix = site <= siteNames.length ? name.slice(0, 3) : `s${site}`;
    const endpoint = (index: number, host: number, port: number): Endpoint =>
      basePort === undefined
        ? { address: `${addressBase}.${site}.${host}`, port }
        : { address: '127.0.0.1', port: basePort + (site - 1) * perSite + index };
    const node = (role: NodeRole, tag: string, n: number, index: number): NodeLayout => {
      const count = role === 'worker' ? workers : controlPlanes;
      const machine = machines[(role === 'worker' ? n : n - 1) % machines.length] ?? 'dell';
      return {
        name: `${prefix}-${tag}-${n}`,
        role,
        zone: `rack-${letters[count < fewestPerZone * zones ? 0 : (n - 1) % zones]}`,
        machine,
        vendor: bmcProfiles[machine].vendor,
        bmc: endpoint(index, 10 + index, bmcPort),
      };
    };
    return {
      name,
      bmcNetwork: basePort === undefined ? `${addressBase}.${site}.0/24` : '127.0.0.0/8',
      api: endpoint(0, 1, apiPort),
      nodes: [
        ...range(controlPlanes).map(n => node('control-plane', 'cp', n, n)),
        ...range(workers).map(n => node('worker', 'w', n, controlPlanes + n)),
      ],
    };
  });
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
