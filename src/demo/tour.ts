/**
 * The tour: the main job from the first look to the proof, by the same
 * commands that a person would type, run by the same program.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import { type Client, connect } from '../surfaces/cli/client.ts';
import type { ExitCode } from '../surfaces/cli/exit-codes.ts';
import { type DemoParts, setFault } from './demo.ts';
import type { DemoPerson } from './lab-config.ts';
import { tamperWithCopy } from './tampered-copy.ts';

export type TourOptions = {
  parts: DemoParts;
  /** Runs one command line as the person whose client files are in `configDir`. */
  execute(words: string[], configDir: string): Promise<ExitCode>;
  say(line: string): void;
};

type Person = DemoPerson & { configDir: string; passphraseFile: string };

/** Plays every step; throws when one does not end as it must. */
export async function playTour({ parts, execute, say }: TourOptions): Promise<void> {
  const [first, second] = parts.lab.config.people;
  const requester = await prepare(first, parts.dir);
  const approver = await prepare(second, parts.dir);

  const run = async (person: Person, words: string[], expected: ExitCode = 0): Promise<void> => {
    const shown = words
      .map(word => (word === person.passphraseFile ? `~/.passphrase-of-${person.name}` : word))
      .join(' ');
    say(`\n${person.name} $ groundskeeper ${shown}\n`);
    const code = await execute(words, person.configDir);
    if (code !== expected)
      throw new FleetError({ code: 'internal', message: `"${shown}" ended with ${code}, expected ${expected}` });
  };
  const client = await clientOf(parts.url, requester);

  say('\n━━ 0  Two people log in; their passphrases live for this demo only');
  await run(requester, ['login', '--name', requester.name, '--passphrase-file', requester.passphraseFile]);
  await run(approver, ['login', '--name', approver.name, '--passphrase-file', approver.passphraseFile]);

  say('\n━━ 1  The fleet');
  await symptoms(client, parts.sickNode);
  await run(requester, ['get-fleet-overview']);

  say('\n━━ 2  A node that Kubernetes believes to be well');
  await run(requester, ['get-node-health', parts.sickNode]);

  say('\n━━ 3  One site against its baseline');
  await run(requester, ['get-firmware-compliance', 'boston']);

  say('\n━━ 4  A plan: nothing is touched, everything is said');
  const boston = await plan(client, 'boston');
  await run(requester, ['get-plan', boston.plan.id]);

  say('\n━━ 5  Ask, be refused one’s own vote, be approved by another, run');
  await run(requester, ['start-plan', boston.plan.id, boston.digest]);
  const operation = await approveAfterRefusal(boston.plan.id);
  await run(requester, ['get-operation', operation, '--watch']);
  await run(requester, ['get-firmware-compliance', 'boston']);

  say('\n━━ 6  A canary that reports success without having changed');
  const chicago = await plan(client, 'chicago');
  const canary = chicago.plan.waves[0]?.[0] ?? '';
  await setFault(parts.lab, canary, { kind: 'update-completes-unchanged' });
  await run(requester, ['start-plan', chicago.plan.id, chicago.digest]);
  await run(approver, ['approvals', 'approve', await pendingFor(chicago.plan.id), ...voteArguments(approver)]);
  await run(requester, ['get-operation', await operationOf(chicago.plan.id), '--watch'], 1);
  await run(requester, ['get-node-health', canary]);

  say('\n━━ 7  Proof');
  await run(approver, ['custody', 'verify']);
  const { verifierKey } = await client.custodyHead();
  say('\nThe service stops; its database is copied, and one byte of the copy is changed by hand.');
  await parts.stopService();
  const { before, changed, after } = await tamperWithCopy({
    dataDir: join(parts.lab.config.file, '..', 'data', 'postgres'),
    verifierKey,
  });
  if (!before.ok) throw new FleetError({ code: 'internal', message: 'the untouched copy does not verify' });
  if (after.ok) throw new FleetError({ code: 'internal', message: 'the changed byte was not found' });
  say(
    `The untouched copy verifies: ${before.size} entries, ${before.checkpoint.size} of them under a signed checkpoint.`,
  );
  say(`Changed in entry ${changed.seq} (a ${changed.type}): ${changed.from} → ${changed.to}. Verifying again finds:`);
  for (const { problem } of after.problems) say(`  • ${problem}`);
  say('\nThe tour is over: two rollouts, one of them stopped by its canary, and a record that tells.');

  async function approveAfterRefusal(id: string): Promise<string> {
    const approval = await pendingFor(id);
    say(`\nThe request waits on a page, too, for a log-in by name and passphrase: ${parts.url}/approvals/${approval}`);
    await run(requester, ['approvals', 'approve', approval, ...voteArguments(requester)], 3);
    await run(approver, ['approvals', 'approve', approval, ...voteArguments(approver)]);
    return operationOf(id);
  }

  async function pendingFor(id: string): Promise<string> {
    const found = (await client.approvals('pending')).find(approval => approval.plan === id);
    if (!found) throw new FleetError({ code: 'internal', message: `plan ${id} has no pending request` });
    return found.id;
  }

  async function operationOf(id: string): Promise<string> {
    const found = (await client.approvals()).find(approval => approval.plan === id)?.operation;
    if (!found) throw new FleetError({ code: 'internal', message: `plan ${id} led to no operation` });
    return found;
  }
}

function voteArguments(person: Person): string[] {
  return ['--reason', 'maintenance window', '--passphrase-file', person.passphraseFile];
}

async function prepare(person: DemoPerson, dir: string): Promise<Person> {
  const passphraseFile = join(dir, `${person.name}.passphrase`);
  await writeFile(passphraseFile, person.passphrase, { mode: 0o600 });
  return { ...person, configDir: join(dir, person.name), passphraseFile };
}

async function clientOf(url: string, { name, passphrase }: Person): Promise<Client> {
  const { token } = await connect({ url }).login({ name, passphrase, channel: 'demo' });
  return connect({ url, token });
}

async function plan(client: Client, site: string): Promise<{ plan: Plan; digest: string }> {
  const { output } = await client.callTool('planFirmwareRollout', { site, deleteEmptyDir: true });
  return output as unknown as { plan: Plan; digest: string };
}

/** A failing fan and a failing DIMM need a moment until a BMC shows them. */
async function symptoms(client: Client, node: string): Promise<void> {
  const until = Date.now() + 20_000;
  while (Date.now() < until) {
    const { findings } = (await client.callTool('getNodeHealth', { node })).output as { findings: { text: string }[] };
    if (findings.some(({ text }) => text.startsWith('fan')) && findings.some(({ text }) => text.startsWith('DIMM')))
      return;
  }
  throw new FleetError({ code: 'timeout', message: `the lab does not show the faults of ${node}` });
}
