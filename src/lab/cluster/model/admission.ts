/** What the API checks and fills in before it stores what a client sent. */
import { randomBytes } from 'node:crypto';
import { specDefaults, withDefaults } from './defaults.ts';
import { ApiFailure, badRequest, conflict, invalid, notFound } from './failure.ts';
import type { KubeObject } from './objects.ts';
import { apiVersionOf, type ResourceKind } from './resources.ts';
import type { NewObject, Store } from './store.ts';
import { requireUnfixed, requireValid } from './validation.ts';

const nameForm = /^[a-z0-9]([-a-z0-9.:]*[a-z0-9])?$/;

/** The object to store for a POST. Throws 400, 403, 404 or 422. */
export function admitNew(store: Store, kind: ResourceKind, sent: { body: unknown; namespace?: string }): NewObject {
  const body = objectBody(kind, sent.body);
  const { namespace } = sent;
  const metadata = { ...body.metadata };
  if (namespace !== undefined) {
    if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
    metadata.namespace = namespace;
    requireOpenNamespace(store, namespace);
  }
  const name =
    metadata.name ?? (metadata.generateName ? metadata.generateName + randomBytes(3).toString('hex').slice(0, 5) : '');
  if (name === '') throw invalid(kind, '', 'metadata.name', 'Required value: name or generateName is required');
  if (!nameForm.test(name) || name.length > 253) {
    throw invalid(kind, name, 'metadata.name', 'Invalid value: must be a lowercase RFC 1123 subdomain');
  }
  const object = { ...body, metadata: { ...metadata, name } };
  const admitted = withDefaults(store, kind, object);
  requireValid(kind, admitted);
  return admitted;
}

/** Throws 403 with the cause that clients look for when the namespace is being deleted, 404 when there is none. */
export function requireOpenNamespace(store: Store, namespace: string): void {
  const found = store.get('namespaces', { name: namespace });
  if (found === undefined) throw notFound({ plural: 'namespaces', group: '', kind: 'Namespace' }, namespace);
  if (found.metadata.deletionTimestamp !== undefined) {
    throw new ApiFailure(
      403,
      'Forbidden',
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      {
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      },
    );
  }
}

type SentObject = Omit<Partial<KubeObject>, 'metadata'> & { metadata: Partial<KubeObject['metadata']> };

function objectBody(kind: ResourceKind, body: unknown): SentObject {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('the body is no object');
  const sent = body as Partial<KubeObject>;
  if (sent.kind !== undefined && sent.kind !== kind.kind) {
    throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${sent.kind}`);
  }
  if (sent.apiVersion !== undefined && sent.apiVersion !== apiVersionOf(kind)) {
    throw badRequest(`the API version in the data (${sent.apiVersion}) does not match ${apiVersionOf(kind)}`);
  }
  return { ...sent, metadata: sent.metadata ?? {} };
}

/**
 * Joins what a client sent for an existing object with what it may not change: identity, and the status outside
 * `/status` or all but the status inside it. Throws 400, 409 or 422.
 */
export function admitUpdate(
  kind: ResourceKind,
  current: KubeObject,
  sent: { body: unknown; statusOnly: boolean },
): KubeObject {
  const body = objectBody(kind, sent.body);
  const { name } = current.metadata;
  if (body.metadata.name !== undefined && body.metadata.name !== name) {
    throw badRequest(`the name of the object (${body.metadata.name}) does not match the name on the URL (${name})`);
  }
  if (body.metadata.uid !== undefined && body.metadata.uid !== current.metadata.uid) {
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${body.metadata.uid}, UID in object meta: ${current.metadata.uid}`,
    );
  }
  if (sent.statusOnly) return { ...current, status: body.status ?? {} };
  const { uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } =
    current.metadata;
  const fixed = { name, uid, resourceVersion, creationTimestamp };
  const next = {
    ...(body as KubeObject),
    apiVersion: current.apiVersion,
    kind: current.kind,
    metadata: {
      ...body.metadata,
      ...fixed,
      ...(current.metadata.namespace === undefined ? {} : { namespace: current.metadata.namespace }),
      ...(generation === undefined ? {} : { generation }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp, deletionGracePeriodSeconds }),
    },
    ...(kind.status ? { spec: specDefaults(kind, { ...body.spec }), status: current.status } : {}),
  };
  requireValid(kind, next);
  requireUnfixed(kind, current, next);
  return kind.plural === 'nodes' ? withoutFalseCordon(next) : next;
}

/** `unschedulable: false` is not kept: the field is present only when it is true. */
function withoutFalseCordon(node: KubeObject): KubeObject {
  const { unschedulable, ...spec } = (node.spec ?? {}) as { unschedulable?: boolean };
  return { ...node, spec: unschedulable === true ? { unschedulable, ...spec } : spec };
}
