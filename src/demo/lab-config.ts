/** A groundskeeper.yaml for a running lab: what an operator would write by hand for real sites. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { newToken } from '../core/ids.ts';
import { hashPassphrase } from '../guard/passphrase.ts';
import type { LabDescription } from '../lab/description.ts';

export type DemoPerson = { name: string; passphrase: string };

export type LabConfigOptions = {
  dir: string;
  /** Port of the service on 127.0.0.1; 0 for a free one. */
  port: number;
  database: string;
  mcpScope: 'read' | 'plan' | 'execute';
  rollout: { soak: string; pollInterval: string };
  /** How often every server is looked at; `off` for never. */
  sampleEvery: string;
  /** Whether BMCs may push events; not unless said. */
  pushes?: boolean;
  /** What it does by itself on nodes whose hardware fails; the product's default when left out. */
  healthCordon?: 'off' | { maxPerCluster?: number; maxPerHour?: number; healthyFor?: string; drain?: boolean };
  /** Folder of policies; those that are shipped unless said. */
  policies?: string;
  /** The language model that people may ask; nobody unless said. */
  assistant?: { baseUrl: string; model: string; apiKey?: string; silence?: string };
  /** A Slack, with who the two people are there; none unless said. */
  slack?: {
    settings: Record<string, unknown>;
    members: [requester: string, approver: string];
  };
};

export type LabConfig = { file: string; people: [requester: DemoPerson, approver: DemoPerson] };

/** Writes the file and makes up two people of the group `operators`; their passphrases are kept nowhere else. */
export async function writeLabConfig(lab: LabDescription, options: LabConfigOptions): Promise<LabConfig> {
  const people: LabConfig['people'] = [newPerson('day-shift'), newPerson('night-shift')];
  const document = {
    service: { listen: `127.0.0.1:${options.port}`, dataDir: './data', origin: 'groundskeeper.example/lab' },
    database: options.database,
    ...(options.policies ? { policies: options.policies } : {}),
    people: await Promise.all(
      people.map(async ({ name, passphrase }, index) => ({
        name,
        groups: ['operators'],
        passphrase: await hashPassphrase(passphrase),
        ...(options.slack ? { slack: options.slack.members[index] } : {}),
      })),
    ),
    credentials: { lab: { username: lab.account.username, password: `file:${lab.account.passwordFile}` } },
    firmware: lab.images,
    baselines: [{ name: 'current', images: lab.images.map(image => image.id) }],
    sites: lab.sites.map((site, index) => siteOf(site, { index, pushes: options.pushes === true })),
    rollout: {
      canary: 1,
      ...options.rollout,
      drainTimeout: '3m',
      updateTimeout: '5m',
      rebootTimeout: '3m',
      rejoinTimeout: '3m',
      gateTimeout: '3m',
      resetSettle: '5s',
      // The slowest flash of the lab shows no other percentage for so long.
      stallLimit: `${Math.max(3, Math.ceil(180 / lab.speed))}s`,
    },
    health: {
      sampleEvery: options.sampleEvery,
      ...(options.healthCordon ? { cordon: options.healthCordon } : {}),
    },
    mcp: { scope: options.mcpScope },
    ...(options.assistant ? { assistant: options.assistant } : {}),
    ...(options.slack ? { slack: options.slack.settings } : {}),
  };
  const file = join(options.dir, 'groundskeeper.yaml');
  await writeFile(file, stringify(document), { mode: 0o600 });
  return { file, people };
}

function newPerson(name: string): DemoPerson {
  return { name, passphrase: newToken().slice(0, 20) };
}

type SiteOptions = { index: number; pushes: boolean };

function siteOf(site: LabDescription['sites'][number], { index, pushes }: SiteOptions) {
  const listener = imageListener(site, index);
  const events = eventListener(site, index);
  return {
    name: site.name,
    timeZone: ['America/New_York', 'America/Chicago', 'America/Los_Angeles'][index % 3],
    bmcNetwork: site.bmcNetwork,
    baseline: 'current',
    imageListener: { bind: listener, advertise: `http://${listener}` },
    ...(pushes ? { eventListener: { bind: events, advertise: `http://${events}` } } : {}),
    clusters: [
      {
        name: site.cluster.name,
        kubeconfig: { file: site.cluster.kubeconfigFile },
        budget: { maxUnavailable: 2 },
        nodes: site.nodes.map(({ name, role, zone, bmcUrl, spki, serial }) => ({
          name,
          role,
          server: { serial, rack: zone, bmc: { url: bmcUrl, credential: 'lab', spki } },
        })),
      },
    ],
  };
}

/** Beside the site's API server where every site has loopback addresses of its own, else a port of its own. */
function imageListener(site: LabDescription['sites'][number], index: number): string {
  const { hostname } = new URL(site.cluster.url);
  return hostname === '127.0.0.1' ? `127.0.0.1:${18_080 + index}` : `${hostname}:8080`;
}

/** As {@link imageListener}, on other ports. */
function eventListener(site: LabDescription['sites'][number], index: number): string {
  const { hostname } = new URL(site.cluster.url);
  return hostname === '127.0.0.1' ? `127.0.0.1:${18_180 + index}` : `${hostname}:8081`;
}
