/** Questions about rights and identity, answered at once: `kubectl auth can-i` and `kubectl auth whoami`. */

import { ApiFailure, badRequest } from '../model/failure.ts';
import type { ResourceKind } from '../model/resources.ts';
import type { User } from './accounts.ts';
import type { Authorizer } from './rbac.ts';
import type { Attributes } from './request-attributes.ts';

type SentAttributes = {
  resourceAttributes?: {
    verb?: string;
    group?: string;
    resource?: string;
    subresource?: string;
    name?: string;
    namespace?: string;
  };
  nonResourceAttributes?: { verb?: string; path?: string };
};
type SubjectSpec = SentAttributes & { user?: string; groups?: string[] };

/** The review with its answer in `status`. Throws 400 or 422. */
export function answerReview(kind: ResourceKind, sent: unknown, by: { user: User; authorizer: Authorizer }): object {
  if (typeof sent !== 'object' || sent === null) throw badRequest('the body is no object');
  const { spec = {} } = sent as { spec?: object };
  const review = {
    kind: kind.kind,
    apiVersion: `${kind.group}/${kind.version}`,
    metadata: { creationTimestamp: null },
    spec,
  };
  switch (kind.kind) {
    case 'SelfSubjectReview':
      return { ...review, spec: undefined, status: { userInfo: userInfo(by.user) } };
    case 'SelfSubjectRulesReview':
      return { ...review, status: rulesStatus(by, (spec as { namespace?: string }).namespace ?? '') };
    case 'SubjectAccessReview': {
      const { user = '', groups = [] } = spec as SubjectSpec;
      return { ...review, status: by.authorizer.decide({ name: user, groups }, attributesIn(kind, spec)) };
    }
    default:
      return { ...review, status: by.authorizer.decide(by.user, attributesIn(kind, spec)) };
  }
}

function userInfo({ name, uid, groups, extra }: User): object {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}

function attributesIn(kind: ResourceKind, spec: SentAttributes): Attributes {
  const { resourceAttributes: asked, nonResourceAttributes: path } = spec;
  if ((asked === undefined) === (path === undefined)) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    throw new ApiFailure(422, 'Invalid', `${kind.kind}.${kind.group} "" is invalid: spec.resourceAttributes: ${why}`);
  }
  if (asked === undefined) return { verb: path?.verb ?? '', path: path?.path ?? '' };
  const { verb = '', group = '', resource = '', subresource = '', name = '', namespace = '' } = asked;
  return { verb, group, resource, subresource, name, namespace };
}

function rulesStatus({ user, authorizer }: { user: User; authorizer: Authorizer }, namespace: string): object {
  const rules = authorizer.rulesFor(user, namespace);
  return {
    resourceRules: rules.filter(rule => rule.nonResourceURLs === undefined),
    nonResourceRules: rules.filter(rule => rule.nonResourceURLs !== undefined),
    incomplete: false,
  };
}
