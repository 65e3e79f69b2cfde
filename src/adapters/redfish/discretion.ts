/**
 * Takes what we prove ourselves with out of what a BMC says, before anybody
 * reads it: some repeat in a refusal, in a task or in their log what they were
 * sent. Links stay as they are, since requests are built from them, and so
 * does our user name where it stands alone, by which our sessions are known.
 */
import { redacted, redactor } from '../../core/redact.ts';
import { Secret } from '../../core/secret.ts';
import type { Credential } from './session.ts';
import type { WireAnswer } from './transport.ts';

/** `token`: of the session that the request was sent with. */
export type Discretion = (answer: WireAnswer, token: string | undefined) => WireAnswer;

export function discretion({ username, password }: Credential): Discretion {
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const redact = redactor([new Secret(password), new Secret(basic)]);
  return (answer, token) => {
    const hide = (text: string) => (token ? redact(text).replaceAll(token, '***') : redact(text));
    const text = answer.bytes.toString('utf8');
    const clean = hide(text);
    // What is escaped in JSON may be spelled in other ways than ours.
    if (clean === text && !text.includes('\\')) return answer;
    const body = parsed(text);
    if (body === undefined) return { ...answer, bytes: Buffer.from(clean) };
    const safe = redacted(body, value => (value === username || value.startsWith('/') ? value : hide(value)));
    return safe === body ? answer : { ...answer, bytes: Buffer.from(JSON.stringify(safe)) };
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
