/** The demo's prompt: both people are logged in, and `as <name>` says who types. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../surfaces/cli/client.ts';
import { connect } from '../surfaces/cli/client.ts';
import type { CommandWords } from '../surfaces/cli/completion.ts';
import { noticeLines } from '../surfaces/cli/notices.ts';
import { runPrompt } from '../surfaces/cli/prompt.ts';
import type { Terminal } from '../surfaces/cli/terminal.ts';
import { tokenStore } from '../surfaces/cli/token-store.ts';
import type { DemoParts } from './demo.ts';
import { labAddresses } from './lab-part.ts';

export type DemoPromptOptions = {
  parts: DemoParts;
  terminal: Terminal;
  execute(words: string[], configDir: string): Promise<unknown>;
  program: CommandWords;
  say(line: string): void;
};

export async function demoPrompt({ parts, terminal, execute, program, say }: DemoPromptOptions): Promise<void> {
  const { people } = parts.lab.config;
  const folderOf = (name: string) => join(parts.dir, name);
  for (const { name, passphrase } of people) {
    await mkdir(folderOf(name), { recursive: true });
    const login = await connect({ url: parts.url }).login({ name, passphrase, channel: 'demo' });
    await tokenStore(folderOf(name)).put(parts.url, login);
  }
  const [requester, approver] = people;
  const folder = folderOf(requester.name);
  const { token } = (await tokenStore(folder).get(parts.url)) ?? {};
  const client = connect({ url: parts.url, token });
  const names = await client.names();
  const told = new Set<string>();
  let who = requester.name;
  const asks = (await client.notices()).model !== undefined;

  say(labAddresses(parts.lab));
  say(`
Two people are logged in: ${requester.name} and ${approver.name}. Nobody approves what they asked for themselves.
  as ${approver.name}                       type as the other one
  a vote asks for the passphrase:      ${people.map(person => `${person.name} ${person.passphrase}`).join('   ')}
Try: get-fleet-overview · get-node-health ${parts.sickNode} · plan-firmware-rollout boston --delete-empty-dir · help · exit (Tab completes)
Or ask in a sentence${asks ? '' : ', once a model is there: npm run demo -- --model-url http://127.0.0.1:11434/v1 --model <name>'}: why is ${parts.sickNode} in a bad state?
`);
  await runPrompt({
    terminal,
    answersSentences: asks,
    vocabulary: {
      program: { ...program, commands: [...program.commands, asCommand(people.map(person => person.name))] },
      names,
    },
    notices: async () => noticeLines(await client.notices()),
    label: () => `${who}> `,
    historyFile: join(parts.dir, 'history'),
    async execute(words) {
      const [command, name] = words;
      if (command !== 'as') {
        await execute(words, folderOf(who));
        for (const address of await newPages(client, told)) say(`Decide on a page: ${address}`);
        return;
      }
      if (people.some(person => person.name === name) && name) who = name;
      else say(`as takes one of: ${people.map(person => person.name).join(', ')}`);
    },
  });
}

/** Addresses of the pages of requests that wait, each told once. */
async function newPages(client: Client, told: Set<string>): Promise<string[]> {
  const pending = await client.approvals('pending').catch(() => []);
  const fresh = pending.filter(({ id }) => !told.has(id));
  for (const { id } of fresh) told.add(id);
  return fresh.map(({ id }) => `${client.url}/approvals/${id}`);
}

function asCommand(names: string[]): CommandWords {
  return { name: 'as', options: [], arguments: [{ name: 'person', choices: names }], commands: [] };
}
