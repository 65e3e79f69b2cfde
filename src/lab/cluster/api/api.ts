/**
 * What the API server does with one request, once it is read: who asks, whether
 * they may, and which part of the API answers.
 */
import type { Accounts, User } from '../access/accounts.ts';
import type { Callers } from '../access/callers.ts';
import { Authorizer } from '../access/rbac.ts';
import { attributesOf } from '../access/request-attributes.ts';
import { answerReview } from '../access/reviews.ts';
import { withRequester } from '../controllers/certificate-signing.ts';
import { ApiFailure } from '../model/failure.ts';
import type { KubeObject } from '../model/objects.ts';
import type { Store } from '../model/store.ts';
import { discoveryDocument } from './discovery.ts';
import { type HealthOptions, healthAnswer } from './health.ts';
import { Lister } from './listing.ts';
import { openApiDocument } from './openapi.ts';
import { render } from './rendering.ts';
import { type Answer, type ApiRequest, routeOf, type Target } from './request.ts';
import { answerRest } from './rest.ts';
import { type WatchStream, watch } from './watch.ts';
import { requireJsonAccepted } from './wire.ts';

export type ApiOptions = {
  store: Store;
  accounts: Accounts;
  callers: Callers;
  health: HealthOptions;
  /** Wall-clock milliseconds between watch bookmarks. */
  bookmarkMs: number;
};

export class KubernetesApi {
  readonly #options: ApiOptions;
  readonly #lister: Lister;
  readonly #authorizer: Authorizer;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#lister = new Lister(options.store);
    this.#authorizer = new Authorizer(options.store);
  }

  /** Forgets history: older watches and continue tokens are answered 410. */
  compact(): void {
    this.#options.store.compact();
    this.#lister.forget();
  }

  /** The answer, or undefined when a watch took the response over by `open`. Throws ApiFailure. */
  answer(request: ApiRequest, open: () => WatchStream): Answer | undefined {
    const user = this.#callerOf(request);
    this.#authorizer.require(user, attributesOf(request));
    requireJsonAccepted(request.headers.accept as string | undefined);
    const { store } = this.#options;
    if (request.method === 'GET') {
      const plain = this.#document(request);
      if (plain !== undefined) return plain;
    }
    const target = routeOf(request.path, store.kinds);
    if (target === undefined) throw new ApiFailure(404, 'NotFound', 'the server could not find the requested resource');
    if (target.kind.review) return this.#review(target, request, user);
    if (request.method === 'GET' && /^(true|1)$/.test(request.query.get('watch') ?? '')) {
      this.#watch(target, request, open);
      return undefined;
    }
    const context = { store, lister: this.#lister, accounts: this.#options.accounts };
    const signing = request.method === 'POST' && target.kind.kind === 'CertificateSigningRequest';
    const stamped = signing ? { ...request, body: withRequester(request.body, user) } : request;
    const answer = answerRest(context, { target, request: stamped });
    return typeof answer.body === 'string' ? answer : { ...answer, body: render(target, request, answer.body) };
  }

  /** Whether a write is kept: reviews are questions in the form of a POST. */
  isKept(path: string): boolean {
    return routeOf(path, this.#options.store.kinds)?.kind.review !== true;
  }

  #document({ path, query }: ApiRequest): Answer | undefined {
    const health = healthAnswer(path, query, this.#options.health);
    if (health !== undefined) return health;
    const { kinds } = this.#options.store;
    const document = discoveryDocument(path, kinds) ?? openApiDocument(path, kinds);
    return document === undefined ? undefined : { status: 200, body: document };
  }

  #callerOf({ headers }: ApiRequest): User {
    const caller = this.#options.accounts.callerOf(headers.authorization as string | undefined);
    this.#options.callers.met((headers['user-agent'] as string | undefined) ?? '', caller);
    const name = headers['impersonate-user'];
    if (typeof name !== 'string') return caller;
    const groups = [headers['impersonate-group'] ?? []].flat().flatMap(group => group.split(', '));
    const asked = { verb: 'impersonate', group: '', subresource: '', namespace: '' };
    this.#authorizer.require(caller, { ...asked, resource: 'users', name });
    for (const group of groups) this.#authorizer.require(caller, { ...asked, resource: 'groups', name: group });
    return { name, groups: [...groups, 'system:authenticated'] };
  }

  #review({ kind }: Target, request: ApiRequest, user: User): Answer {
    if (request.method !== 'POST') {
      throw new ApiFailure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
    }
    return { status: 201, body: answerReview(kind, request.body, { user, authorizer: this.#authorizer }) };
  }

  #watch(target: Target, request: ApiRequest, open: () => WatchStream): void {
    const { store, bookmarkMs } = this.#options;
    const rendered = (object: KubeObject) => render(target, request, object);
    watch({ store, target, query: request.query, render: rendered, bookmarkMs }, open);
  }
}
