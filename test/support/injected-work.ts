/** Text that comes in while people and the service work: of a task that fails, of a finding, of a program that asks. */
import { connect } from '../../src/surfaces/cli/client.ts';
import type { Place } from './injected-place.ts';
import { flash } from './rollout.ts';
import { found } from './sick-nodes.ts';

/** Nodes of their own: what is staged on them is read in no other place. */
const worked = 'bos-w-3';
const sick = 'bos-cp-1';

export const workPlaces: Place[] = [
  {
    place: 'message of a task that failed',
    reaches: true,
    about: 'work',
    async put({ stack }, Message) {
      const { faults, stage } = stack.lab.node(worked).server;
      faults.set({ kind: 'update-fails' });
      stage.show({ texts: { Message } });
      const { id, state } = await flash(stack, worked);
      if (state !== 'halted') throw new Error(`the update is ${state}`);
      faults.clear('update-fails');
      stage.show({});
      return [
        { tool: 'getOperation', input: { operation: id } },
        { tool: 'listOperations', input: {} },
      ];
    },
  },
  {
    place: 'name of the part that a finding is about',
    reaches: true,
    about: 'work',
    async put({ stack, asker }, Name) {
      const { faults, stage } = stack.lab.node(sick).server;
      stage.show({ texts: { Name } });
      faults.set({ kind: 'fan-failing' });
      await found(asker, sick, 'fan');
      return [];
    },
  },
  {
    place: 'name of the program that asks, such as an MCP client',
    reaches: false,
    about: 'work',
    async put({ stack, other }, agent) {
      const { token } = await other.deriveToken({ channel: 'mcp' });
      const client = connect({ url: stack.service().ready.url, token, agent: encodeURIComponent(agent) });
      const input = { node: worked, key: 'example.com/program', value: 'x', effect: 'PreferNoSchedule', dryRun: true };
      const { output } = await client.callTool('taintNode', input);
      return [{ tool: 'getPlan', input: { plan: (output as { plan: string }).plan } }];
    },
  },
];

/** What others gave a name, or wrote, and what stands in the message of somebody who asks: none of it reaches the model. */
export const slackPlaces: { place: string; word?: true; said(entry: string): { text?: string; more?: object } }[] = [
  { place: 'name of a channel that is mentioned', word: true, said: name => ({ text: `<#C0REST|${name}>` }) },
  { place: 'name of a member who is mentioned', word: true, said: name => ({ text: `<@U0NIGHT|${name}>` }) },
  {
    place: 'file in a message',
    said: name => ({ more: { files: [{ id: 'F0', name, title: name, preview: name, mimetype: 'text/plain' }] } }),
  },
  {
    place: 'message that is passed on',
    said: text => ({ more: { attachments: [{ is_share: true, author_name: text, text, fallback: text }] } }),
  },
];
