/**
 * A whole simulated fleet in one process: sites with servers whose BMCs speak
 * Redfish and a cluster that speaks the Kubernetes API, on loopback addresses
 * of their own. The product's real clients are pointed at it unchanged.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FirmwareImage } from '../core/fleet.ts';
import type { RunningBmc } from './bmc/bmc.ts';
import { bmcProfiles, type LabMachine, usualMachines } from './bmc/profiles/catalog.ts';
import type { LabVendor } from './bmc/profiles/profile.ts';
import { makeCertificate } from './certificate.ts';
import { LabClock } from './clock.ts';
import { type RunningCluster, startCluster } from './cluster/cluster.ts';
import { startControl } from './control.ts';
import { EffectLog } from './effect-log.ts';
import type { Host } from './host.ts';
import { writeImage } from './images.ts';
import { type LayoutOptions, layOut, type NodeLayout, type SiteLayout } from './layout.ts';
import { startServer } from './server.ts';

export type LabOptions = LayoutOptions & {
  /** Real durations are divided by this. */
  speed: number;
  seed: number;
  /** Where images, kubeconfigs and the BMC password are written; made when missing. */
  dir: string;
  /** YAML files whose objects every cluster has from the start, an account for programs among them. */
  manifests: string[];
  /** Serve each etcd member's health and metrics; `cluster.etcdEndpoints` says where. */
  etcdEndpoints?: boolean;
  /** BMCs take as long as their vendor's usually do; default false, they answer at once. */
  latency?: boolean;
  /** Wall-clock milliseconds that a node's heartbeats are apart at least; default 100, so that a high speed does not turn them into load. */
  heartbeatMs?: number;
  /** Port of the control API on 127.0.0.1; default 0, a free one. */
  controlPort?: number;
};

export type LabNode = NodeLayout & { host: Host; server: RunningBmc };
export type LabSite = Omit<SiteLayout, 'nodes'> & {
  nodes: LabNode[];
  cluster: RunningCluster;
  /** With the manifests' ServiceAccount, for the program under test. */
  kubeconfigFile: string;
  /** For people, who may do everything. */
  adminKubeconfigFile: string;
};
export type LabImage = FirmwareImage & { vendor: LabVendor; source: { file: string } };

export type RunningLab = {
  clock: LabClock;
  seed: number;
  effects: EffectLog;
  account: { username: string; passwordFile: string };
  sites: LabSite[];
  images: LabImage[];
  /** `http://127.0.0.1:<port>` of the control API. */
  controlUrl: string;
  /** The node of that name. Throws when there is none. */
  node(name: string): LabNode;
  /** Closes every socket. */
  stop(): Promise<void>;
};

const username = 'groundskeeper';
const fallbackBasePort = 20_000;

type Running = { stop(): Promise<void> };
type Account = { username: string; password: string };
type Making = LabOptions & { clock: LabClock; effects: EffectLog; account: Account; running: Running[] };

/** Starts the lab. Throws port_taken when an address is in use; whatever had started is stopped again. */
export async function startLab(options: LabOptions): Promise<RunningLab> {
  const clock = new LabClock(options.speed, { leastHeartbeatMs: options.heartbeatMs });
  const effects = new EffectLog();
  const running: Running[] = [];
  const stop = async () => {
    clock.stop();
    await Promise.all(running.splice(0).map(each => each.stop()));
  };
  try {
    const password = randomBytes(18).toString('base64url');
    const passwordFile = join(options.dir, 'bmc-password');
    await mkdir(join(options.dir, 'images'), { recursive: true });
    await writeFile(passwordFile, password, { mode: 0o600 });
    const machines = new Set(options.machines ?? usualMachines);
    const images = await Promise.all([...machines].map(machine => makeLabImage(options.dir, machine)));
    const making = { ...options, clock, effects, account: { username, password }, running };
    const sites: LabSite[] = [];
    // Only Linux routes all of 127.0.0.0/8 to itself.
    const basePort = options.basePort ?? (process.platform === 'linux' ? undefined : fallbackBasePort);
    for (const site of layOut({ ...options, basePort })) sites.push(await startSite(making, site));
    const nodes = new Map(sites.flatMap(site => site.nodes.map(node => [node.name, node] as const)));
    const lab = {
      clock,
      seed: options.seed,
      effects,
      account: { username, passwordFile },
      sites,
      images,
      node(name: string): LabNode {
        const node = nodes.get(name);
        if (node === undefined) throw new Error(`the lab has no node ${name}`);
        return node;
      },
      stop,
    };
    const control = await startControl(lab, options.controlPort ?? 0);
    running.push(control);
    return { ...lab, controlUrl: control.url };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startSite(making: Making, site: SiteLayout): Promise<LabSite> {
  const nodes: LabNode[] = [];
  for (const node of site.nodes) {
    const started = await startServer(making, node);
    making.running.push(started.server);
    nodes.push({ ...node, ...started });
  }
  const { clock, effects, running } = making;
  const cluster = await startCluster({
    name: site.name,
    address: site.api.address,
    port: site.api.port,
    clock,
    effects,
    nodes: nodes.map(({ host, name, role, zone }) => ({ host, name, role, zone })),
    certificate: makeCertificate({ commonName: `${site.name}-api`, altNames: [site.api.address, 'localhost'] }),
    manifests: making.manifests,
    etcdEndpoints: making.etcdEndpoints ?? false,
  });
  running.push(cluster);
  const kubeconfigFile = join(making.dir, `${site.name}.kubeconfig`);
  const adminKubeconfigFile = join(making.dir, `${site.name}.admin.kubeconfig`);
  await writeFile(kubeconfigFile, cluster.kubeconfig, { mode: 0o600 });
  await writeFile(adminKubeconfigFile, cluster.adminKubeconfig, { mode: 0o600 });
  return { ...site, nodes, cluster, kubeconfigFile, adminKubeconfigFile };
}

/** A machine's newer BIOS as a file of the catalogue. */
async function makeLabImage(dir: string, machine: LabMachine): Promise<LabImage> {
  const { vendor, model, firmware } = bmcProfiles[machine];
  const models = [model];
  const version = firmware.newBios;
  const id = `${machine}-bios-${version.toLowerCase().replace(/[^a-z0-9.]+/g, '-')}`.replace(/-$/, '');
  const file = join(dir, 'images', `${id}.bin`);
  const sha256 = await writeImage(file, { vendor, models, component: 'bios', version });
  return { id, vendor, models, component: 'bios', version, source: { file }, sha256 };
}
