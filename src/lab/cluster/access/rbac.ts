/**
 * Role-based access control: every request of an account that is not an
 * administrator's is allowed by a rule of a role that is bound to it, or by
 * nothing.
 */

import { ApiFailure } from '../model/failure.ts';
import type { KubeObject } from '../model/objects.ts';
import type { Store } from '../model/store.ts';
import type { User } from './accounts.ts';
import type { Attributes, ResourceAttributes } from './request-attributes.ts';

export type Rule = {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
};

type Subject = { kind: string; name: string; namespace?: string; apiGroup?: string };
type RoleObject = KubeObject & { rules?: Rule[] | null };
type BindingObject = KubeObject & { subjects?: Subject[]; roleRef: { kind: string; name: string } };
type Grant = { rule: Rule; why: string };
type Found = { grants: Grant[]; problems: string[] };

export type Decision = { allowed: boolean; reason: string };

/** Members of this group may do everything, whatever the roles say. */
export const administrators = 'system:masters';

const kinds = new Set(['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings']);

export class Authorizer {
  readonly #store: Store;
  /** By user and namespace, until a role or a binding changes. */
  readonly #found = new Map<string, Found>();

  constructor(store: Store) {
    this.#store = store;
    store.onChange(({ plural }) => {
      if (kinds.has(plural)) this.#found.clear();
    });
  }

  decide(user: User, attributes: Attributes): Decision {
    if (user.groups.includes(administrators)) return { allowed: true, reason: '' };
    const namespace = 'path' in attributes ? '' : attributes.namespace;
    const { grants, problems } = this.#grantsOf(user, namespace);
    const grant = grants.find(({ rule }) => ruleAllows(rule, attributes));
    if (grant !== undefined) return { allowed: true, reason: grant.why };
    return { allowed: false, reason: problems.length === 0 ? '' : `RBAC: ${problems.join(', ')}` };
  }

  /** Throws 403 in the API's own words unless the user may. */
  require(user: User, attributes: Attributes): void {
    const { allowed, reason } = this.decide(user, attributes);
    if (!allowed) throw forbidden(user, attributes, reason);
  }

  /** All rules that count for the user in a namespace, those of the whole cluster among them. */
  rulesFor(user: User, namespace: string): Rule[] {
    if (user.groups.includes(administrators)) {
      return [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['*'], nonResourceURLs: ['*'] },
      ];
    }
    return this.#grantsOf(user, namespace).grants.map(({ rule }) => rule);
  }

  #grantsOf(user: User, namespace: string): Found {
    const key = JSON.stringify([user.name, user.groups, namespace]);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found: Found = { grants: [], problems: [] };
    for (const binding of this.#store.list('clusterrolebindings')) this.#collect(found, user, binding as BindingObject);
    const inside = namespace === '' ? [] : this.#store.list('rolebindings', namespace);
    for (const binding of inside) this.#collect(found, user, binding as BindingObject);
    if (this.#found.size > 1000) this.#found.clear();
    this.#found.set(key, found);
    return found;
  }

  #collect(found: Found, user: User, binding: BindingObject): void {
    const { namespace } = binding.metadata;
    const subject = binding.subjects?.find(each => isMeant(each, user, namespace));
    if (subject === undefined) return;
    const { kind, name } = binding.roleRef;
    const plural = kind === 'Role' ? 'roles' : 'clusterroles';
    const role = this.#store.get(plural, { name, ...(kind === 'Role' && namespace ? { namespace } : {}) });
    if (role === undefined) {
      found.problems.push(`${kind.toLowerCase()}.rbac.authorization.k8s.io "${name}" not found`);
      return;
    }
    const bindingName = namespace === undefined ? binding.metadata.name : `${binding.metadata.name}/${namespace}`;
    const why = `RBAC: allowed by ${binding.kind} "${bindingName}" of ${kind} "${name}" to ${subjectText(subject)}`;
    for (const rule of (role as RoleObject).rules ?? []) found.grants.push({ rule, why });
  }
}

function isMeant({ kind, name, namespace }: Subject, user: User, ofBinding = ''): boolean {
  switch (kind) {
    case 'User':
      return user.name === name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount':
      return user.name === `system:serviceaccount:${namespace ?? ofBinding}:${name}`;
    default:
      return false;
  }
}

function subjectText({ kind, name, namespace }: Subject): string {
  return kind === 'ServiceAccount' ? `${kind} "${name}/${namespace}"` : `${kind} "${name}"`;
}

function ruleAllows(rule: Rule, attributes: Attributes): boolean {
  if (!includes(rule.verbs, attributes.verb)) return false;
  if ('path' in attributes) return (rule.nonResourceURLs ?? []).some(url => pathMatches(url, attributes.path));
  const { group, name } = attributes;
  const named = rule.resourceNames ?? [];
  return (
    includes(rule.apiGroups, group) &&
    (rule.resources ?? []).some(resource => resourceMatches(resource, attributes)) &&
    (named.length === 0 || named.includes(name))
  );
}

function includes(list: string[] = [], value: string): boolean {
  return list.includes('*') || list.includes(value);
}

function pathMatches(url: string, path: string): boolean {
  return url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.replace(/\*+$/, '')));
}

function resourceMatches(rule: string, { resource, subresource }: ResourceAttributes): boolean {
  if (rule === '*' || rule === combined({ resource, subresource })) return true;
  return subresource !== '' && rule === `*/${subresource}`;
}

function combined({ resource, subresource }: { resource: string; subresource: string }): string {
  return subresource === '' ? resource : `${resource}/${subresource}`;
}

function forbidden(user: User, attributes: Attributes, reason: string): ApiFailure {
  const why = `${cannot(user, attributes)}${reason === '' ? '' : `: ${reason}`}`;
  if ('path' in attributes) return new ApiFailure(403, 'Forbidden', `forbidden: ${why}`, {});
  const { group, resource, name } = attributes;
  const subject = `${resource}${group === '' ? '' : `.${group}`}${name === '' ? '' : ` "${name}"`}`;
  return new ApiFailure(403, 'Forbidden', `${subject} is forbidden: ${why}`, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  });
}

function cannot(user: User, attributes: Attributes): string {
  const who = `User "${user.name}" cannot ${attributes.verb}`;
  if ('path' in attributes) return `${who} path "${attributes.path}"`;
  const { group, namespace } = attributes;
  const place = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `${who} resource "${combined(attributes)}" in API group "${group}" ${place}`;
}
