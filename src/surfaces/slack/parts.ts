/** All that the Slack surface works with. */
import type { ChatStore } from '../../core/chat.ts';
import type { Assistant } from '../../core/talk.ts';
import type { Tool } from '../../core/tool.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import type { Identify } from './identity.ts';
import type { SlackClient } from './slack-client.ts';

export type SlackLog = Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>;

export type SlackParts = {
  client: SlackClient;
  identify: Identify;
  workspace: string;
  chat: ChatStore;
  catalog: Tool[];
  gateway: ServiceDoor['gateway'];
  records: Pick<ServiceDoor['records'], 'approvals' | 'plans'>;
  /** Where a language model is configured. */
  assistant?: Assistant;
  log: SlackLog;
  /** The end of the service. */
  signal: AbortSignal;
};
