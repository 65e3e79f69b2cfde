/** All that the Slack surface works with. */
import type { ChatStore } from '../../core/chat.ts';
import { FleetError } from '../../core/errors.ts';
import type { Person } from '../../core/fleet.ts';
import type { Assistant } from '../../core/talk.ts';
import type { Caller, Tool } from '../../core/tool.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import type { Identify } from './identity.ts';
import type { Pictures } from './pictures.ts';
import type { SlackClient } from './slack-client.ts';

/** A failure as people may see it. What is none of ours may hold anything: it is told to the log alone. */
export function shownError(
  { log, signal }: Pick<SlackParts, 'log' | 'signal'>,
  thrown: unknown,
  what: string,
): FleetError {
  const error = FleetError.from(thrown);
  if (error.code !== 'internal') return error;
  if (!signal.aborted) log.error({ error: thrown }, what);
  return new FleetError({ code: 'internal', message: 'it failed' });
}

/** A person who acts in Slack, with what they may do anywhere. */
export function slackCaller(person: Person): Caller {
  return { person, channel: 'slack', scope: 'execute' };
}

export type SlackLog = Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>;

export type SlackParts = {
  client: SlackClient;
  pictures: Pictures;
  identify: Identify;
  workspace: string;
  chat: ChatStore;
  catalog: Tool[];
  gateway: ServiceDoor['gateway'];
  reads: ServiceDoor['reads'];
  records: Pick<ServiceDoor['records'], 'approvals' | 'plans'>;
  /** Where a language model is configured. */
  assistant?: Assistant;
  log: SlackLog;
  /** The end of the service. */
  signal: AbortSignal;
};
