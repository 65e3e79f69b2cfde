/** The form in which a token is kept: who reads the database holds no token. */
import { createHash } from 'node:crypto';

export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
