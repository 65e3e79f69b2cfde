/** How people prove who they are: each in some way, and no two by one identity. */
import type { LooseDocument } from './loose-document.ts';
import { type ConfigPath, type Problems, showFound, showPath } from './problems.ts';

export function checkOidc(document: LooseDocument, raw: unknown, problems: Problems): void {
  const configured = typeof raw === 'object' && raw !== null && 'oidc' in raw;
  if (configured && document.service.publicUrl === undefined) {
    const hint = 'The issuer sends browsers back to <publicUrl>/auth/callback; register that address there.';
    problems.add(['service', 'publicUrl'], { expected: 'where browsers reach the service', found: 'nothing', hint });
  }
  if (document.mcp.http === true && !configured) {
    const hint = 'Access tokens come from there: name the issuer under oidc, at the top of the file.';
    problems.add(['mcp', 'http'], { expected: 'an issuer of access tokens', found: 'none', hint });
  }
  const first = new Map<string, ConfigPath>();
  for (const [index, { passphrase, oidc }] of document.people.entries()) {
    const path = ['people', index, 'oidc', 'subject'];
    const { subject } = oidc;
    if (subject === undefined) {
      if (passphrase !== undefined) continue;
      const expected = configured ? 'a passphrase, or oidc with a subject' : 'a passphrase';
      problems.add(['people', index, 'passphrase'], { expected, found: 'nothing' });
      continue;
    }
    if (!configured) {
      const hint = 'Name the issuer under oidc, at the top of the file.';
      problems.add(path, { expected: 'an issuer to know this subject by', found: 'none', hint });
    }
    const earlier = first.get(subject);
    if (!earlier) first.set(subject, path);
    else {
      // One identity behind two names could vote twice.
      const hint = `The same subject stands at ${showPath(earlier)}.`;
      problems.add(path, { expected: 'a subject that is linked once', found: showFound(subject, path), hint });
    }
  }
}
