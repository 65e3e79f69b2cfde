/**
 * Bodies in the API's binary form, for the kinds that kubectl sends so however
 * little it is asked to: read by field numbers that are written down here.
 * Whatever else comes in this form is refused with 415, never half understood.
 */
import { ApiFailure } from '../model/failure.ts';

type Message = { [number: number]: [name: string, type: Type] };
type Type = 'text' | 'bytes' | 'int' | 'bool' | 'map' | 'bytes-map' | 'int-or-text' | Message | [Type];

const magic = Buffer.from('k8s\0');

const owner: Message = { 1: ['kind', 'text'], 3: ['name', 'text'], 4: ['uid', 'text'], 5: ['apiVersion', 'text'] };
const metadata: Message = {
  1: ['name', 'text'],
  2: ['generateName', 'text'],
  3: ['namespace', 'text'],
  5: ['uid', 'text'],
  6: ['resourceVersion', 'text'],
  11: ['labels', 'map'],
  12: ['annotations', 'map'],
  13: ['ownerReferences', [owner]],
  14: ['finalizers', ['text']],
};
const selector: Message = {
  1: ['matchLabels', 'map'],
  2: ['matchExpressions', [{ 1: ['key', 'text'], 2: ['operator', 'text'], 3: ['values', ['text']] }]],
};
const container: Message = {
  1: ['name', 'text'],
  2: ['image', 'text'],
  3: ['command', ['text']],
  4: ['args', ['text']],
  6: ['ports', [{ 1: ['name', 'text'], 2: ['hostPort', 'int'], 3: ['containerPort', 'int'], 4: ['protocol', 'text'] }]],
};
const template: Message = {
  1: ['metadata', metadata],
  2: ['spec', { 2: ['containers', [container]], 3: ['restartPolicy', 'text'] }],
};
const deploymentSpec: Message = {
  1: ['replicas', 'int'],
  2: ['selector', selector],
  3: ['template', template],
  5: ['minReadySeconds', 'int'],
};
const rule: Message = {
  1: ['verbs', ['text']],
  2: ['apiGroups', ['text']],
  3: ['resources', ['text']],
  4: ['resourceNames', ['text']],
  5: ['nonResourceURLs', ['text']],
};
const role: Message = { 1: ['metadata', metadata], 2: ['rules', [rule]] };
const subject: Message = {
  1: ['kind', 'text'],
  2: ['apiGroup', 'text'],
  3: ['name', 'text'],
  4: ['namespace', 'text'],
};
const binding: Message = {
  1: ['metadata', metadata],
  2: ['subjects', [subject]],
  3: ['roleRef', { 1: ['apiGroup', 'text'], 2: ['kind', 'text'], 3: ['name', 'text'] }],
};
const access: Message = {
  1: [
    'resourceAttributes',
    {
      1: ['namespace', 'text'],
      2: ['verb', 'text'],
      3: ['group', 'text'],
      4: ['version', 'text'],
      5: ['resource', 'text'],
      6: ['subresource', 'text'],
      7: ['name', 'text'],
    },
  ],
  2: ['nonResourceAttributes', { 1: ['path', 'text'], 2: ['verb', 'text'] }],
};
const deleteOptions: Message = {
  1: ['gracePeriodSeconds', 'int'],
  2: ['preconditions', { 1: ['uid', 'text'], 2: ['resourceVersion', 'text'] }],
  3: ['orphanDependents', 'bool'],
  4: ['propagationPolicy', 'text'],
  5: ['dryRun', ['text']],
};

const withSpec = (spec: Message): Message => ({ 1: ['metadata', metadata], 2: ['spec', spec] });

const messages: Record<string, Message> = {
  'v1/Namespace': withSpec({}),
  'v1/ServiceAccount': { 1: ['metadata', metadata] },
  'v1/ConfigMap': {
    1: ['metadata', metadata],
    2: ['data', 'map'],
    3: ['binaryData', 'bytes-map'],
    4: ['immutable', 'bool'],
  },
  'v1/Secret': {
    1: ['metadata', metadata],
    2: ['data', 'bytes-map'],
    3: ['type', 'text'],
    4: ['stringData', 'map'],
    5: ['immutable', 'bool'],
  },
  'apps/v1/Deployment': withSpec(deploymentSpec),
  'batch/v1/Job': withSpec({ 1: ['parallelism', 'int'], 2: ['completions', 'int'], 6: ['template', template] }),
  'policy/v1/PodDisruptionBudget': withSpec({
    1: ['minAvailable', 'int-or-text'],
    2: ['selector', selector],
    3: ['maxUnavailable', 'int-or-text'],
    4: ['unhealthyPodEvictionPolicy', 'text'],
  }),
  'policy/v1/Eviction': { 1: ['metadata', metadata], 2: ['deleteOptions', deleteOptions] },
  'rbac.authorization.k8s.io/v1/Role': role,
  'rbac.authorization.k8s.io/v1/ClusterRole': role,
  'rbac.authorization.k8s.io/v1/RoleBinding': binding,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': binding,
  'authorization.k8s.io/v1/SelfSubjectAccessReview': withSpec(access),
  'authorization.k8s.io/v1/SelfSubjectRulesReview': withSpec({ 1: ['namespace', 'text'] }),
  'authentication.k8s.io/v1/SelfSubjectReview': { 1: ['metadata', metadata] },
  'authentication.k8s.io/v1/TokenRequest': withSpec({ 1: ['audiences', ['text']], 4: ['expirationSeconds', 'int'] }),
  'scheduling.k8s.io/v1/PriorityClass': {
    1: ['metadata', metadata],
    2: ['value', 'int'],
    3: ['globalDefault', 'bool'],
    4: ['description', 'text'],
    5: ['preemptionPolicy', 'text'],
  },
};

const envelope: Message = {
  1: ['typeMeta', { 1: ['apiVersion', 'text'], 2: ['kind', 'text'] }],
  2: ['raw', 'bytes'],
  3: ['contentEncoding', 'text'],
  4: ['contentType', 'text'],
};

/** The object that such a body holds, as JSON has it. Throws 415 for what is not written down here. */
export function fromProtobuf(body: Buffer): object {
  if (!body.subarray(0, magic.length).equals(magic)) throw unsupported('the body has no such prefix');
  const { typeMeta, raw = '' } = decode(body.subarray(magic.length), envelope) as {
    typeMeta?: { apiVersion?: string; kind?: string };
    raw?: string;
  };
  const { apiVersion = '', kind = '' } = typeMeta ?? {};
  const message = kind === 'DeleteOptions' ? deleteOptions : messages[`${apiVersion}/${kind}`];
  if (message === undefined) throw unsupported(`${apiVersion} ${kind}`);
  return { apiVersion, kind, ...decode(Buffer.from(raw, 'base64'), message) };
}

function unsupported(what: string): ApiFailure {
  return new ApiFailure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - this server reads only some kinds as protobuf (${what}); accepted media types include: application/json, application/yaml`,
  );
}

type Field = { number: number; value: bigint | Buffer };

function* fieldsIn(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw unsupported('a number is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    if ((tag & 7) === 0) yield { number, value: varint() };
    else if ((tag & 7) === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw unsupported('a field is cut off');
      yield { number, value: bytes.subarray(at, at + length) };
      at += length;
    } else throw unsupported(`wire type ${tag & 7}`);
  }
}

function decode(bytes: Buffer, message: Message): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const { number, value } of fieldsIn(bytes)) {
    const known = message[number];
    if (known === undefined) {
      if (isEmpty(value)) continue;
      throw unsupported(`field ${number}`);
    }
    const [name, type] = known;
    if (Array.isArray(type)) found[name] = [...((found[name] ?? []) as unknown[]), fieldValue(value, type[0])];
    else if (type === 'map' || type === 'bytes-map') {
      found[name] = { ...(found[name] as object | undefined), ...mapEntry(value, type) };
    } else if (!Buffer.isBuffer(value) || value.length > 0) found[name] = fieldValue(value, type);
  }
  return found;
}

/** Fields that were left at their zero are sent all the same, messages of nothing but zeros among them. */
function isEmpty(value: bigint | Buffer): boolean {
  if (!Buffer.isBuffer(value)) return value === 0n;
  try {
    return [...fieldsIn(value)].every(field => isEmpty(field.value));
  } catch {
    return false;
  }
}

function fieldValue(value: bigint | Buffer, type: Type): unknown {
  if (!Buffer.isBuffer(value)) return type === 'bool' ? value !== 0n : Number(BigInt.asIntN(64, value));
  if (type === 'bytes') return value.toString('base64');
  if (type === 'int-or-text') return intOrText(value);
  return typeof type === 'object' && !Array.isArray(type) ? decode(value, type) : value.toString('utf8');
}

function intOrText(value: Buffer): number | string {
  const {
    type = 0,
    number = 0,
    text = '',
  } = decode(value, {
    1: ['type', 'int'],
    2: ['number', 'int'],
    3: ['text', 'text'],
  }) as { type?: number; number?: number; text?: string };
  return type === 0 ? number : text;
}

function mapEntry(value: bigint | Buffer, type: 'map' | 'bytes-map'): object {
  if (!Buffer.isBuffer(value)) return {};
  const entry = decode(value, { 1: ['key', 'text'], 2: ['value', type === 'map' ? 'text' : 'bytes'] });
  return { [String(entry.key ?? '')]: entry.value ?? '' };
}
