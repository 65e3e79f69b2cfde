/** What every route of the pages needs of its request: who looks, what they sent, and where they go on. */
import type { Context } from 'hono';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import type { Cookies, Visit } from './browser.ts';
import type { Markup } from './markup.ts';

export type Env = { Variables: { cookies: Cookies; visit: Visit; form: Record<string, unknown> } };
export type PageContext = Context<Env>;

export const short = z.string().max(1000);

const ours = [
  /^\/approvals(\/apr-[0-9a-z]{10})?$/,
  /^\/freezes\/frz-[0-9a-z]{10}$/,
  /^\/operations\/op-[0-9a-z]{10}$/,
  /^\/auth\/terminal\/[\w-]{43}$/,
];

export function shown(context: PageContext, markup: Markup) {
  return context.html(markup);
}

export function toLogIn(context: PageContext, path = context.req.path) {
  return context.redirect(`/auth/login?to=${encodeURIComponent(path)}`, 303);
}

/** A page of ours and nothing else: whatever else the address said leads to the list. */
export function safeReturn(path: string | undefined): string {
  return path !== undefined && ours.some(form => form.test(path)) ? path : '/approvals';
}

export function parsed<T extends z.ZodType>(schema: T, context: PageContext): z.infer<T> {
  const result = schema.safeParse(context.var.form);
  if (result.success) return result.data;
  const fields = result.error.issues.map(issue => issue.path.join('.'));
  throw new FleetError({ code: 'invalid_input', message: `the form lacks: ${[...new Set(fields)].join(', ')}` });
}
