/** What a place is in which text of others stands, and in which conversation it is read. */
import type { Client } from '../../src/surfaces/cli/client.ts';
import type { Wish } from './model-server.ts';
import type { Stack } from './stack.ts';

/** The node that all of it is about; the corpus names another. */
export const node = 'bos-w-1';
export const namespace = 'default';

/** Who asks the assistant, and another person. */
export type Scene = { stack: Stack; asker: Client; other: Client };

export type Place = {
  place: string;
  /** Only letters, digits and dashes can stand there. */
  word?: true;
  /** Whether the model is told of it: quoted, or fenced among words of ours. */
  reaches: boolean;
  /** The conversation in which it is read, or what stands beside it. */
  about: Subject;
  /** Answers what else has to be read to be told of it. */
  put(scene: Scene, entry: string): Wish[] | Promise<Wish[]>;
};

/** By what is asked about, the calls that tell most of it. */
export const subjects = {
  /** First: people start an operation in it, and nothing has an effect after that. */
  work: [{ tool: 'listFindings', input: {} }],
  server: [
    { tool: 'getHardwareInventory', input: { node, sensors: true } },
    { tool: 'getBmcStatus', input: { node } },
    { tool: 'getNodeHealth', input: { node } },
    { tool: 'getFirmwareCompliance', input: { site: 'boston' } },
  ],
  decisions: [],
  /** After those that plan: a Node that nobody runs counts against the budget. */
  cluster: [
    { tool: 'getClusterStatus', input: { cluster: 'boston' } },
    { tool: 'getNodeHealth', input: { node } },
    { tool: 'getNodeWorkloads', input: { node } },
    { tool: 'simulateDrain', input: { node } },
  ],
  /** Last: nothing is asked for while it stands. */
  freeze: [],
} satisfies Record<string, Wish[]>;
export type Subject = keyof typeof subjects;
