/**
 * Slack over a WebSocket that we open, so that no port is. Bolt's own reconnects
 * wait five seconds after every refresh, and end the process when Slack refuses
 * connections; ours are in connection.ts.
 */
import { SocketModeReceiver } from '@slack/bolt';
import type { Secret } from '../../core/secret.ts';
import type { Transport } from './connection.ts';
import { silentLogger } from './silent-logger.ts';

const apiTimeoutMs = 15_000;
/** Slack greets within a second or two. */
const greetingMs = 20_000;

export function socketMode({ appToken, apiUrl }: { appToken: Secret; apiUrl: string }): Transport {
  const receiver = new SocketModeReceiver({
    appToken: appToken.reveal(),
    autoReconnectEnabled: false,
    logger: silentLogger,
    installerOptions: { clientOptions: { slackApiUrl: apiUrl, retryConfig: { retries: 0 }, timeout: apiTimeoutMs } },
  });
  const socket = receiver.client;
  return {
    receiver,
    async connect() {
      const after = new Promise<void>(resolve => socket.once('disconnected', () => resolve()));
      const late = setTimeout(() => void socket.disconnect().catch(() => undefined), greetingMs);
      try {
        await socket.start().catch((thrown: unknown) => {
          throw thrown ?? new Error('the connection ended before Slack greeted');
        });
      } finally {
        clearTimeout(late);
      }
      return { after };
    },
    close: () => socket.disconnect(),
  };
}
