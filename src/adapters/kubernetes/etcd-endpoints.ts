/**
 * etcd's own word about a member: its health, and from its metrics whether it
 * has a leader, leads, still learns, and which peers it knows. Read without
 * credentials: etcd's client keys would open every Secret.
 */
import { z } from 'zod';
import { type Fact, known, unknown } from '../../core/bmc.ts';
import type { EtcdEndpoint } from '../../core/cluster.ts';
import type { EtcdMember } from '../../core/cluster-facts.ts';
import { shortGet, whyNoAnswer } from './short-get.ts';

export type EndpointReading = { members: EtcdMember[]; unlisted: string[] };

type MemberReading = EtcdMember & { id?: string; peers: string[] };

const healthSchema = z.object({ health: z.union([z.string(), z.boolean()]) });

/** All endpoints at once. What two of them tell of one member ID counts for neither. */
export async function readEndpoints(endpoints: EtcdEndpoint[]): Promise<EndpointReading> {
  const readings = await Promise.all(endpoints.map(readMember));
  const ids = readings.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const peers = new Set(readings.flatMap(reading => reading.peers));
  return {
    members: readings.map(({ node, healthy, leader, id }) => {
      const other = readings.find(reading => id !== undefined && reading.id === id && reading.node !== node);
      if (other === undefined) return { node, healthy, leader };
      const same = unknown(`its endpoint and that of ${other.node} are one etcd member`);
      return { node, healthy: same, leader: same };
    }),
    // A member that does not answer is unknown already; its ID would only look like one more.
    unlisted: ids.length < readings.length ? [] : [...peers].filter(id => !ids.includes(id)).sort(),
  };
}

async function readMember({ node, url }: EtcdEndpoint): Promise<MemberReading> {
  try {
    const [health, metrics] = await Promise.all([shortGet(`${url}/health`), shortGet(`${url}/metrics`)]);
    if (metrics.status !== 200) return darkMember(node, `${url}/metrics answers ${metrics.status}`);
    const samples = samplesOf(metrics.text);
    const id = samples.find(({ name, value }) => name === 'etcd_server_id' && value === 1)?.labels.server_id;
    const leads = gauge(samples, 'etcd_server_is_leader');
    return {
      node,
      healthy: id === undefined ? unknown(`${url}/metrics names no etcd_server_id`) : healthOf(health, samples, url),
      leader: leads === undefined ? unknown(`${url}/metrics lacks etcd_server_is_leader`) : known(leads === 1),
      ...(id === undefined ? {} : { id }),
      peers: samples.filter(isPeer).flatMap(({ labels }) => labels.Remote ?? []),
    };
  } catch (thrown) {
    return darkMember(node, `its endpoint ${url} ${whyNoAnswer(thrown)}`);
  }
}

function darkMember(node: string, reason: string): MemberReading {
  return { node, healthy: unknown(reason), leader: unknown(reason), peers: [] };
}

/** Healthy is who says so, has a leader, and votes. A learner does not vote. */
function healthOf(health: { status: number; text: string }, samples: Sample[], url: string): Fact<boolean> {
  const said = parseHealth(health.text);
  const hasLeader = gauge(samples, 'etcd_server_has_leader');
  if (said === undefined) return unknown(`${url}/health answers ${health.status} without a health`);
  if (!said) return known(false);
  if (health.status !== 200) return unknown(`${url}/health answers ${health.status}`);
  if (hasLeader === undefined) return unknown(`${url}/metrics lacks etcd_server_has_leader`);
  return known(hasLeader === 1 && gauge(samples, 'etcd_server_is_learner') !== 1);
}

function parseHealth(text: string): boolean | undefined {
  try {
    const { health } = healthSchema.parse(JSON.parse(text));
    return String(health) === 'true' ? true : String(health) === 'false' ? false : undefined;
  } catch {
    return undefined;
  }
}

type Sample = { name: string; labels: Record<string, string>; value: number };

const sampleForm = /^(etcd_[a-z_]+)(?:\{([^}]*)\})?\s+(\S+)/;
const labelForm = /([A-Za-z_]\w*)="([^"\\]*)"/g;

/** The samples of Prometheus' text format that etcd names, other than histograms' buckets. */
function samplesOf(text: string): Sample[] {
  return text.split('\n').flatMap(line => {
    const [, name, labels = '', value] = sampleForm.exec(line) ?? [];
    if (name === undefined || name.endsWith('_bucket')) return [];
    const pairs = [...labels.matchAll(labelForm)].map(([, key = '', text = '']) => [key, text]);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

function gauge(samples: Sample[], name: string): number | undefined {
  const value = samples.find(sample => sample.name === name)?.value;
  return value === undefined || Number.isNaN(value) ? undefined : value;
}

/** A peer that was removed stays in the metrics with 0. */
function isPeer({ name, value }: Sample): boolean {
  return (name === 'etcd_network_known_peers' || name === 'etcd_network_active_peers') && value >= 1;
}
