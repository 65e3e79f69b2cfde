/** How many requests this process sent, seen where undici sends them. */
import { subscribe } from 'node:diagnostics_channel';

export function countRequests(): () => number {
  let count = 0;
  subscribe('undici:request:create', () => {
    count++;
  });
  return () => count;
}
