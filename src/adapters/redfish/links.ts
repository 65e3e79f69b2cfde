/**
 * Where a link of a BMC leads. A compromised or confused BMC must not send our
 * requests, and so our token, to another machine: what leaves the BMC is refused.
 */
import { protocolError } from './answer.ts';

/** Path and query of `link` on the BMC at `origin`, without fragment. Throws bmc_protocol when it points elsewhere. */
export function pathOnBmc(origin: string, link: string): string {
  const target = URL.canParse(link, origin) ? new URL(link, origin) : undefined;
  if (target === undefined || target.origin !== new URL(origin).origin) {
    throw protocolError(
      `${origin} gave a link that leads to another host; it was not followed`,
      'Inspect this BMC: links in Redfish stay on the BMC.',
    );
  }
  return target.pathname + target.search;
}

/** Undefined instead of an error. */
export function pathOnBmcIfAny(origin: string, link: string | null | undefined): string | undefined {
  if (link === null || link === undefined) return undefined;
  try {
    return pathOnBmc(origin, link);
  } catch {
    return undefined;
  }
}

/** Two spellings of one resource: BMCs differ from themselves in trailing slashes and letter case. */
export function sameResource(a: string, b: string): boolean {
  return plain(a) === plain(b);
}

/** A link as a key for comparison. */
export function plain(link: string): string {
  return link.replace(/\/+$/, '').toLowerCase();
}

/** The last path segment, which is the resource's Id on every known BMC. */
export function lastSegment(path: string): string {
  return (
    path
      .replace(/[?#].*$/, '')
      .replace(/\/+$/, '')
      .split('/')
      .at(-1) ?? ''
  );
}
