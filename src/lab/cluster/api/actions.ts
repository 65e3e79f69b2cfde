/** Subresources that do something: eviction, binding, tokens, and those of the kubelet that this lab does not have. */
import type { Accounts } from '../access/accounts.ts';
import { answerTokenRequest } from '../access/token-request.ts';
import { requireOpenNamespace } from '../model/admission.ts';
import { ApiFailure, badRequest, conflict, notFound, success } from '../model/failure.ts';
import { kindOf } from '../model/resources.ts';
import type { Store } from '../model/store.ts';
import { type Eviction, evict } from './eviction.ts';
import type { Answer, ApiRequest, NamedTarget } from './request.ts';

/** Answers a request to such a subresource; all are POST. Throws ApiFailure. */
export function act(context: { store: Store; accounts: Accounts }, target: NamedTarget, request: ApiRequest): Answer {
  const { store, accounts } = context;
  const { name, namespace = '', subresource } = target;
  if (subresource !== undefined && ofKubelet.has(subresource)) throw noKubelet(store, target);
  if (request.method !== 'POST') throw noMethod();
  if (subresource === 'token') {
    return { status: 201, body: answerTokenRequest(accounts, { namespace, name }, request.body) };
  }
  if (subresource !== 'eviction' && subresource !== 'binding') throw noMethod();
  requireOpenNamespace(store, namespace);
  if (typeof request.body !== 'object' || request.body === null) throw badRequest('the body is no object');
  if (subresource === 'binding') return bind(store, target, request.body);
  const eviction = request.body as Eviction;
  const dryRun = request.query.getAll('dryRun').includes('All') ? { dryRun: ['All'] } : {};
  const deleteOptions = { ...eviction.deleteOptions, ...dryRun };
  return { status: 201, body: evict(store, { namespace, name }, { ...eviction, deleteOptions }) };
}

/** What a real API server passes on to the node's kubelet. */
const ofKubelet = new Set(['log', 'exec', 'attach', 'portforward']);

function noKubelet(store: Store, { name, namespace = '', subresource }: NamedTarget): ApiFailure {
  const pod = store.get('pods', { name, namespace });
  if (pod === undefined) return notFound(kindOf('pods'), name);
  const why = `the kubelets of this simulated cluster run no containers: there is no ${subresource} of pod ${name}`;
  return new ApiFailure(501, 'NotImplemented', why);
}

export function noMethod(): ApiFailure {
  return new ApiFailure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

function bind(store: Store, { kind, name, namespace = '' }: NamedTarget, body: object): Answer {
  const node = (body as { target?: { name?: string } }).target?.name;
  if (node === undefined) throw badRequest('a binding names its target');
  store.update('pods', { namespace, name }, draft => {
    if (draft.spec.nodeName !== undefined) throw conflict(kind, name, 'pod is already assigned to a node');
    draft.spec.nodeName = node;
  });
  return { status: 201, body: { ...success(), code: 201 } };
}
