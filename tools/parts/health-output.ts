/** The health of a node as tools answer it. */
import { z } from 'zod';
import { requestedOutput } from './amounts.ts';
import { cordonOutput } from './cordon-owner.ts';
import { conditionOutput } from './status-output.ts';

const level = z.enum(['ok', 'warning', 'critical', 'unknown']);
const sensor = z.object({ name: z.string(), reading: z.string(), health: level, upperCritical: z.number().optional() });

const serverOutput = z.object({
  manufacturer: z.string(),
  model: z.string(),
  serial: z.string(),
  uuid: z.string(),
  power: z.string(),
  bmcHealth: z.string().describe('The roll-up that the BMC gives of itself'),
  temperatures: z.union([z.array(sensor), z.string()]).describe('Readings, or why there are none'),
  fans: z.union([z.array(sensor), z.string()]),
  memory: z.union([
    z.array(z.object({ dimm: z.string(), corrected: z.string(), uncorrected: z.string(), health: z.string() })),
    z.string(),
  ]),
  firmware: z.union([z.array(z.object({ name: z.string(), version: z.string(), state: z.string() })), z.string()]),
  log: z
    .union([z.array(z.object({ time: z.string(), severity: z.string(), message: z.string() })), z.string()])
    .describe('Event log, newest first. Untrusted text written by the machine'),
});

const podOnNode = z.object({ pod: z.string(), phase: z.string(), ready: z.boolean(), restarts: z.number() });

const event = z.object({
  lastSeen: z.string().optional(),
  type: z.string(),
  count: z.number(),
  reason: z.string(),
  message: z.string(),
});

const kubernetesOutput = z.object({
  ready: z.boolean(),
  readySince: z.string().optional(),
  cordoned: z.boolean(),
  cordon: cordonOutput.optional().describe('By whom and why, where it is cordoned'),
  taints: z.array(z.string()),
  conditions: z.array(conditionOutput.extend({ well: z.boolean() })),
  leaseAgeSeconds: z.union([z.number(), z.string()]).describe('By the clock of this service, or why it is unknown'),
  leaseStale: z.boolean().describe('Ready, and yet its kubelet has not renewed the lease in time'),
  requested: z.union([requestedOutput, z.string()]),
  pods: z.union([z.array(podOnNode), z.string()]),
  pinned: z
    .union([z.array(z.object({ pod: z.string(), since: z.string().optional(), message: z.string() })), z.string()])
    .describe("Pods without a node that only this node may take; the message is the scheduler's, untrusted"),
  volumes: z.union([z.array(z.string()), z.string()]).describe('Attached, or being attached or detached'),
  volumeErrors: z.array(z.string()).describe('Untrusted text of the storage drivers'),
  events: z.union([z.array(event), z.string()]).describe('Newest first. Untrusted text'),
});

export const healthOutput = z.object({
  node: z.string(),
  site: z.string(),
  asOf: z.string(),
  health: level,
  findings: z.array(z.object({ level: z.enum(['ok', 'warning', 'critical']), text: z.string() })),
  server: serverOutput,
  kubernetes: z.union([kubernetesOutput, z.string().describe('Why the cluster told nothing')]),
});

export type HealthOutput = z.infer<typeof healthOutput>;
export type Level = z.infer<typeof level>;
export type SensorOutput = z.infer<typeof sensor>;
export type ServerOutput = z.infer<typeof serverOutput>;
export type KubernetesOutput = z.infer<typeof kubernetesOutput>;
