/**
 * Who calls. The administrator's token is made at start; service accounts have
 * signed tokens with an end, bound to the account's uid as the real ones are.
 */
import { generateKeyPairSync, randomBytes, randomUUID, sign, verify } from 'node:crypto';
import type { LabClock } from '../../clock.ts';
import { ApiFailure } from '../model/failure.ts';
import type { Store } from '../model/store.ts';
import { administrators } from './rbac.ts';

export type User = { name: string; uid?: string; groups: string[]; extra?: Record<string, string[]> };

type Claims = {
  iss: string;
  sub: string;
  aud: string[];
  iat: number;
  nbf: number;
  exp: number;
  jti: string;
  'kubernetes.io': { namespace: string; serviceaccount: { name: string; uid: string } };
};

export type IssuedToken = { token: string; expires: Date };

const dsaEncoding = 'ieee-p1363' as const;
const authenticated = 'system:authenticated';
const issuer = 'https://kubernetes.default.svc.cluster.local';

const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Another way to know a token's owner; undefined when the token is none of its own. */
export type Authenticator = (token: string) => User | undefined;

export class Accounts {
  readonly adminToken = randomBytes(24).toString('base64url');
  readonly #store: Store;
  readonly #clock: LabClock;
  readonly #others: Authenticator[];
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  /** Tokens whose signature was found good. */
  readonly #verified = new Map<string, Claims>();

  constructor(store: Store, clock: LabClock, others: Authenticator[] = []) {
    this.#store = store;
    this.#clock = clock;
    this.#others = others;
  }

  /** The caller behind an Authorization header; anonymous without one. Throws 401 for a token that nobody has. */
  callerOf(authorization: string | undefined): User {
    if (authorization === undefined) return anonymous;
    const token = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1] ?? '';
    const user = this.#owner(token);
    if (user === undefined) throw new ApiFailure(401, 'Unauthorized', 'Unauthorized');
    return { ...user, groups: [...user.groups, authenticated] };
  }

  /** A token of a service account for a duration that the lab's clock compresses. Throws 404 without the account. */
  issue(account: { namespace: string; name: string }, seconds: number): IssuedToken {
    return this.#sign(account, this.#clock.scaled(seconds * 1000));
  }

  /** A token for a file that programs keep: good for a year of wall-clock time. */
  issueForFile(account: { namespace: string; name: string }): string {
    return this.#sign(account, 365 * 86_400_000).token;
  }

  #sign({ namespace, name }: { namespace: string; name: string }, wallMs: number): IssuedToken {
    const uid = this.#store.get('serviceaccounts', { namespace, name })?.metadata.uid;
    if (uid === undefined) throw new ApiFailure(404, 'NotFound', `serviceaccounts "${name}" not found`);
    const now = Date.now() / 1000;
    const expires = new Date(Date.now() + wallMs);
    const claims: Claims = {
      iss: issuer,
      sub: serviceAccountUser(namespace, name),
      aud: [issuer],
      iat: now,
      nbf: now,
      exp: expires.getTime() / 1000,
      jti: randomUUID(),
      'kubernetes.io': { namespace, serviceaccount: { name, uid } },
    };
    const signed = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.#keys.privateKey, dsaEncoding });
    return { token: `${signed}.${signature.toString('base64url')}`, expires };
  }

  #owner(token: string): User | undefined {
    if (token === this.adminToken) return { name: 'kubernetes-admin', groups: [administrators] };
    const account = this.#serviceAccount(token);
    if (account !== undefined) return account;
    for (const other of this.#others) {
      const user = other(token);
      if (user !== undefined) return user;
    }
    return undefined;
  }

  #serviceAccount(token: string): User | undefined {
    const claims = this.#verified.get(token) ?? this.#claimsOf(token);
    if (claims === undefined) return undefined;
    const { namespace, serviceaccount } = claims['kubernetes.io'];
    const current = this.#store.get('serviceaccounts', { namespace, name: serviceaccount.name });
    if (claims.exp * 1000 <= Date.now() || current?.metadata.uid !== serviceaccount.uid) return undefined;
    return {
      name: claims.sub,
      uid: serviceaccount.uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
      extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] },
    };
  }

  #claimsOf(token: string): Claims | undefined {
    const [head, body, signature, ...more] = token.split('.');
    if (head === undefined || body === undefined || signature === undefined || more.length > 0) return undefined;
    const key = { key: this.#keys.publicKey, dsaEncoding };
    if (!verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) return undefined;
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Claims;
    if (this.#verified.size > 1000) this.#verified.clear();
    this.#verified.set(token, claims);
    return claims;
  }
}

function serviceAccountUser(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
