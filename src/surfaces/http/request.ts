/** What a request brings: whose it is, and a body of the form that is wanted. */
import type { Context } from 'hono';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import type { Caller } from '../../core/tool.ts';
import type { ServiceDoor } from '../../gateway/door.ts';

export async function callerOf(context: Context, door: ServiceDoor): Promise<Caller> {
  const client = context.req
    .header('user-agent')
    ?.replace(/[^\x20-\x7e]/g, '')
    .slice(0, 100);
  return door.logins.caller(tokenOf(context), client);
}

export function tokenOf(context: Context): string {
  const [, token] = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(context.req.header('authorization') ?? '') ?? [];
  if (!token) throw new FleetError({ code: 'unauthenticated', message: 'not logged in', hint: 'groundskeeper login' });
  return token;
}

export async function json(context: Context): Promise<unknown> {
  try {
    return await context.req.json();
  } catch (cause) {
    throw new FleetError({ code: 'invalid_input', message: 'the request body is not JSON', cause });
  }
}

export async function body<T extends z.ZodType>(context: Context, schema: T): Promise<z.infer<T>> {
  return check(schema, await json(context));
}

export function check<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(issue => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new FleetError({ code: 'invalid_input', message: problems.join('; ') });
}

/** What a person says who decides, and that it is they. */
export const decide = z.strictObject({ reason: z.string().max(1000), passphrase: z.string().max(1000) });

export function proofOf({ reason, passphrase }: z.infer<typeof decide>) {
  return { reason, presence: { by: 'passphrase', passphrase } as const };
}
