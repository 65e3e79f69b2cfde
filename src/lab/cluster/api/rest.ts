/** The verbs of the API on stored objects: which of them a method and a path mean. */
import type { Accounts } from '../access/accounts.ts';
import { type DeleteOptions, deleteObject } from '../model/deletion.ts';
import { success } from '../model/failure.ts';
import { storeKey } from '../model/resources.ts';
import type { Store } from '../model/store.ts';
import { act, noMethod } from './actions.ts';
import type { Lister } from './listing.ts';
import { type Answer, type ApiRequest, isNamed, type NamedTarget, refOf, selectionOf, type Target } from './request.ts';
import { create, patch, read, replace } from './writing.ts';

export type RestContext = { store: Store; lister: Lister; accounts: Accounts };

/** Answers every request that is not a watch; throws ApiFailure. */
export function answerRest(context: RestContext, call: { target: Target; request: ApiRequest }): Answer {
  const { store, lister } = context;
  const { target, request } = call;
  if (!isNamed(target)) return answerCollection(store, lister, call);
  if (target.kind.actions?.some(({ name }) => name === target.subresource)) return act(context, target, request);
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return { status: 200, body: read(store, target) };
    case 'PUT':
      return replace(store, target, request);
    case 'PATCH':
      return patch(store, target, request);
    case 'DELETE':
      return remove(store, target, request);
  }
  throw noMethod();
}

function answerCollection(store: Store, lister: Lister, call: { target: Target; request: ApiRequest }): Answer {
  const { target, request } = call;
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return { status: 200, body: lister.list(target, request) };
    case 'POST':
      return create(store, target, request);
    case 'DELETE':
      return removeAll(store, target, request);
  }
  throw noMethod();
}

function remove(store: Store, target: NamedTarget, request: ApiRequest): Answer {
  if (target.subresource !== undefined) throw noMethod();
  const ref = { plural: storeKey(target.kind), ...refOf(target) };
  return { status: 200, body: deleteObject(store, ref, deleteOptionsOf(request)) };
}

function removeAll(store: Store, target: Target, request: ApiRequest): Answer {
  const plural = storeKey(target.kind);
  const matches = selectionOf(target, request.query);
  const options = deleteOptionsOf(request);
  for (const { metadata } of store.list(plural, target.namespace).filter(matches)) {
    const { name, namespace } = metadata;
    deleteObject(store, { plural, name, ...(namespace === undefined ? {} : { namespace }) }, options);
  }
  return { status: 200, body: success() };
}

function deleteOptionsOf({ body, query }: ApiRequest): DeleteOptions {
  const options: DeleteOptions = typeof body === 'object' && body !== null ? { ...body } : {};
  const grace = query.get('gracePeriodSeconds');
  const propagation = query.get('propagationPolicy');
  if (grace !== null) options.gracePeriodSeconds = Number(grace);
  if (propagation !== null) options.propagationPolicy = propagation;
  if (query.getAll('dryRun').includes('All')) options.dryRun = ['All'];
  return options;
}
