/**
 * What keeps a page apart from every other page in the same browser: cookies
 * that no script reads and no other site sends, a token in every form, an
 * Origin that is ours, and headers that let nothing in and nothing around.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { FleetError } from '../../core/errors.ts';
import type { Deed } from '../../core/identity.ts';
import { newToken } from '../../core/ids.ts';
import type { PageSession, ServiceDoor } from '../../gateway/door.ts';
import { styleDigest } from './style.ts';

/** Who looks at a page, and what their forms have to bring. */
export type Visit = {
  /** What this browser alone holds. */
  browser: string;
  /** The session's token, where there is a session. */
  token?: string;
  session?: PageSession;
  csrf: string;
};

type CookieName = 'session' | 'browser' | `${Deed['act']}-${string}`;

const tokenForm = /^[\w-]{43}$/;

/** Cookies under an https origin take the prefix that binds them to this very host. */
export class Cookies {
  readonly #context: Context;
  readonly #secure: boolean;

  constructor(context: Context, origin: string) {
    this.#context = context;
    this.#secure = origin.startsWith('https:');
  }

  get(name: CookieName): string | undefined {
    const value = getCookie(this.#context, this.#full(name));
    return value !== undefined && tokenForm.test(value) ? value : undefined;
  }

  /** For as long as the browser runs, or for so many seconds. Lax: people come from a chat's link and from the issuer. */
  set(name: CookieName, value: string, maxAge?: number): void {
    setCookie(this.#context, this.#full(name), value, { ...this.#scope, ...(maxAge === undefined ? {} : { maxAge }) });
  }

  drop(name: CookieName): void {
    deleteCookie(this.#context, this.#full(name), this.#scope);
  }

  get #scope() {
    return { path: '/', httpOnly: true, sameSite: 'Lax', secure: this.#secure } as const;
  }

  #full(name: CookieName): string {
    return `${this.#secure ? '__Host-' : ''}gk-${name}`;
  }
}

export async function visitOf(cookies: Cookies, logins: ServiceDoor['logins']): Promise<Visit> {
  let browser = cookies.get('browser');
  if (browser === undefined) {
    browser = newToken();
    cookies.set('browser', browser);
  }
  const token = cookies.get('session');
  const session = token === undefined ? undefined : await logins.session(token).catch(noSession);
  const csrf = createHmac('sha256', browser)
    .update(session && token ? token : '')
    .digest('base64url');
  return { browser, csrf, ...(session && { token, session }) };
}

function noSession(thrown: unknown): undefined {
  if (thrown instanceof FleetError && thrown.code === 'unauthenticated') return undefined;
  throw thrown;
}

/** Throws `forbidden` unless the form came from a page of ours, in this browser and this session. */
export function checkForm(
  context: Context,
  { origin, visit, csrf }: { origin: string; visit: Visit; csrf: string },
): void {
  const site = context.req.header('sec-fetch-site');
  const ours = context.req.header('origin') === origin && (site === undefined || site === 'same-origin');
  const [given, wanted] = [Buffer.from(csrf), Buffer.from(visit.csrf)];
  if (ours && given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new FleetError({
    code: 'forbidden',
    message: 'this form did not come from the page that is open in this browser',
    hint: 'open the page again, and send it from there',
  });
}

/** `same-origin` and not `no-referrer`: under the latter a browser sends our own forms without their Origin. */
export const pageHeaders: Record<string, string> = {
  'content-security-policy': `default-src 'none'; style-src ${styleDigest}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};
