/**
 * Who somebody in Slack is to us: a person of the configuration who is linked
 * to that member, with the groups of this moment. Slack is asked each time, so
 * that whoever was made a guest or left an hour ago is nobody here.
 */
import { FleetError } from '../../core/errors.ts';
import type { Person } from '../../core/fleet.ts';
import { mayPass, type SlackClient, surely } from './slack-client.ts';

export type Sender = { user: string; team?: string };
export type Identified = { person: Person } | { refused: string };
/**
 * Asks again while Slack is away: for seconds where somebody pressed something and looks at it (`soon`), else for a quarter of an
 * hour. Throws where Slack or the directory gives no answer: then nobody is anybody.
 */
export type Identify = (sender: Sender, how?: { soon: true }) => Promise<Identified>;

export type IdentityParts = {
  workspace: string;
  /** Name of a person by member ID. */
  linked: ReadonlyMap<string, string>;
  people: { find(name: string): Person | undefined; read?(): Promise<void> };
  client: Pick<SlackClient, 'call'>;
  signal: AbortSignal;
};

type Member = Partial<
  Record<'deleted' | 'is_bot' | 'is_restricted' | 'is_ultra_restricted' | 'is_stranger' | 'is_workflow_bot', boolean>
> & { team_id?: string };

const soonMs = 10_000;
const stranger = 'Groundskeeper answers members of its own workspace only.';
const guest = 'Groundskeeper does not answer guests: a full member of the workspace has to ask.';
const program = 'Groundskeeper does not answer programs: a person has to ask.';
const gone = 'Groundskeeper does not know you any more: ask an administrator.';

export function identifier({ workspace, linked, people, client, signal }: IdentityParts): Identify {
  return async ({ user, team }, how) => {
    if (team !== undefined && team !== workspace) return { refused: stranger };
    const name = linked.get(user);
    if (name === undefined) return { refused: unlinked(user) };
    const asked = surely(signal, () => client.call('users.info', { user }), how?.soon && soonMs);
    const member = (await asked.catch(unanswered)).user as Member;
    const refused = refusal(member, workspace);
    if (refused !== undefined) return { refused };
    await people.read?.();
    const person = people.find(name);
    return person ? { person } : { refused: gone };
  };
}

function unanswered(cause: unknown): never {
  if (!mayPass(cause)) throw cause;
  throw new FleetError({
    code: 'service_unreachable',
    retry: 'later',
    message: 'nothing was done: Slack does not say who you are',
    hint: 'do it again in a while',
    cause,
  });
}

function refusal(member: Member, workspace: string): string | undefined {
  if (member.is_stranger || member.team_id !== workspace) return stranger;
  if (member.is_restricted || member.is_ultra_restricted) return guest;
  if (member.is_bot || member.is_workflow_bot) return program;
  return member.deleted ? gone : undefined;
}

function unlinked(user: string): string {
  return `Groundskeeper does not know who you are. An administrator links you in groundskeeper.yaml, under people: add "slack: ${user}" to your name. Guests and members of other workspaces cannot be linked.`;
}
