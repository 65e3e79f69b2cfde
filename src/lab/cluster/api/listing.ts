/**
 * LIST in one piece or in pages. All pages of one list come from one moment:
 * the remaining objects are kept under the continue token until it is used up
 * or too many others came after it, and then the token is expired.
 */
import { randomUUID } from 'node:crypto';
import { ApiFailure, badRequest, expired } from '../model/failure.ts';
import type { KubeObject } from '../model/objects.ts';
import { apiVersionOf, storeKey } from '../model/resources.ts';
import type { Store } from '../model/store.ts';
import { type ApiRequest, selectionOf, type Target, wholeNumber } from './request.ts';

export type ListBody = {
  kind: string;
  apiVersion: string;
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: KubeObject[];
};

type Page = { plural: string; version: number; items: KubeObject[] };

const keptPages = 200;

export class Lister {
  readonly #store: Store;
  readonly #pages = new Map<string, Page>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The list, or its next page. Throws 400, 410 for an expired token, 504 for a version of the future. */
  list(target: Target, { query }: ApiRequest): ListBody {
    const page = this.#page(target, query);
    const limit = wholeNumber(query, 'limit') ?? 0;
    const items = limit > 0 ? page.items.slice(0, limit) : page.items;
    const rest = page.items.slice(items.length);
    const token = rest.length > 0 ? this.#keep({ ...page, items: rest }) : undefined;
    return {
      kind: `${target.kind.kind}List`,
      apiVersion: apiVersionOf(target.kind),
      metadata: {
        resourceVersion: String(page.version),
        ...(token === undefined ? {} : { continue: token, remainingItemCount: rest.length }),
      },
      items,
    };
  }

  /** Expires every continue token. */
  forget(): void {
    this.#pages.clear();
  }

  #page(target: Target, query: URLSearchParams): Page {
    const token = query.get('continue') ?? '';
    if (token !== '') return this.#kept(target, token);
    const version = wholeNumber(query, 'resourceVersion') ?? 0;
    if (version > this.#store.version) {
      throw new ApiFailure(504, 'Timeout', `Too large resource version: ${version}, current: ${this.#store.version}`, {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      });
    }
    const matches = selectionOf(target, query);
    const items = this.#store.list(storeKey(target.kind), target.namespace).filter(matches);
    return { plural: storeKey(target.kind), version: this.#store.version, items };
  }

  #kept(target: Target, token: string): Page {
    if (!/^[\w-]{36}$/.test(token)) throw badRequest('continue key is not valid');
    const page = this.#pages.get(token);
    if (page === undefined) throw expired('The provided continue parameter is too old to display a consistent list');
    if (page.plural !== storeKey(target.kind)) throw badRequest('continue key is not valid');
    return page;
  }

  #keep(page: Page): string {
    const token = randomUUID();
    this.#pages.set(token, page);
    const oldest = this.#pages.keys().next().value;
    if (this.#pages.size > keptPages && oldest !== undefined) this.#pages.delete(oldest);
    return token;
  }
}
