/** The lab as data: what a fleet configuration, a demo or a test must know to point the product at it. */
import type { Component } from '../core/bmc.ts';
import type { NodeRole } from '../core/fleet.ts';
import type { LabVendor } from './bmc/profiles/profile.ts';
import type { RunningLab } from './lab.ts';

export type LabDescription = {
  speed: number;
  account: { username: string; passwordFile: string };
  sites: {
    name: string;
    bmcNetwork: string;
    /** The first file is for programs, the second for people, who may do everything. */
    cluster: { name: string; url: string; kubeconfigFile: string; adminKubeconfigFile: string };
    nodes: LabNodeDescription[];
  }[];
  images: {
    id: string;
    vendor: LabVendor;
    models: string[];
    component: Component;
    version: string;
    file: string;
    sha256: string;
  }[];
};

export type LabNodeDescription = {
  name: string;
  role: NodeRole;
  zone: string;
  bmcUrl: string;
  spki: string;
  serial: string;
  uuid: string;
  vendor: LabVendor;
  model: string;
  /** Running now. */
  biosVersion: string;
};

/** Describes the lab as it is now. Holds no password, only the file that does. */
export function describeLab(lab: Omit<RunningLab, 'controlUrl'>): LabDescription {
  return {
    speed: lab.clock.speed,
    account: lab.account,
    sites: lab.sites.map(({ name, bmcNetwork, cluster, kubeconfigFile, adminKubeconfigFile, nodes }) => ({
      name,
      bmcNetwork,
      cluster: { name: cluster.name, url: cluster.url, kubeconfigFile, adminKubeconfigFile },
      nodes: nodes.map(({ name: node, role, zone, vendor, host, server }) => ({
        name: node,
        role,
        zone,
        bmcUrl: server.url,
        spki: server.spki,
        serial: host.serial,
        uuid: host.uuid,
        vendor,
        model: server.profile.model,
        biosVersion: server.firmware.active,
      })),
    })),
    images: lab.images.map(({ source, ...image }) => ({ ...image, file: source.file })),
  };
}
