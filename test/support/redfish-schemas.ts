/**
 * The DMTF's JSON schemas as validators. They lie beside the checkout and are
 * no part of it. What has no version is unpacked into a temporary folder, the
 * versions of one type once a reference asks for one of them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv, type AnySchemaObject, type ValidateFunction } from 'ajv';

const archive = fileURLToPath(
  new URL('../../../shared/redfish/schema/dsp8010-2025.4-json-schema-FULL.tar.xz', import.meta.url),
);
export const schemasPresent = existsSync(archive);

const base = 'http://redfish.dmtf.org/schemas/v1/';
const idRef = `${base}odata-v4.json#/definitions/idRef`;

export type Schemas = {
  /** What is wrong with a resource by the schema of its own `@odata.type`; nothing when it is valid. */
  errorsOf(resource: Record<string, unknown>): Promise<string[]>;
  /** Deletes what was unpacked. */
  close(): void;
};

export function openSchemas(): Schemas {
  const dir = mkdtempSync(join(tmpdir(), 'redfish-schemas-'));
  const listed = execFileSync('tar', ['-tJf', archive], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).split('\n');
  const files = new Map(listed.map(path => [path.slice(path.lastIndexOf('/') + 1), path]));
  const unpack = (wanted: (file: string) => boolean): void => {
    const paths = [...files].flatMap(([file, path]) => (wanted(file) ? [path] : []));
    execFileSync('tar', ['-xJf', archive, '-C', dir, ...paths]);
  };
  const unpacked = new Set<string>();
  unpack(file => file.endsWith('.json') && !isVersioned(file));
  const read = (file: string): AnySchemaObject => {
    const path = files.get(file);
    if (path === undefined) throw new Error(`the DMTF has no schema file ${file}`);
    const family = familyOf(file);
    if (isVersioned(file) && !unpacked.has(family)) {
      unpack(other => isVersioned(other) && familyOf(other) === family);
      unpacked.add(family);
    }
    return prepared(file, JSON.parse(readFileSync(join(dir, path), 'utf8'), withoutForeign));
  };
  const ajv = new Ajv({
    strict: false,
    validateSchema: false,
    validateFormats: false,
    allErrors: true,
    loadSchema: async uri => read(uri.slice(base.length)),
  });
  const validators = new Map<string, Promise<ValidateFunction>>();
  const validatorOf = (type: string): Promise<ValidateFunction> => {
    const known =
      validators.get(type) ?? ajv.compileAsync({ $ref: `${base}${fileOf(type)}#/definitions/${nameOf(type)}` });
    validators.set(type, known);
    return known;
  };
  return {
    async errorsOf(resource) {
      const validate = await validatorOf(String(resource['@odata.type']));
      if (validate(resource)) return [];
      return (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
      );
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** `#Drive.v1_12_1.Drive` is in `Drive.v1_12_1.json`, a collection in `DriveCollection.json`. */
function fileOf(type: string): string {
  const parts = type.replace(/^#/, '').split('.');
  return `${parts.slice(0, -1).join('.')}.json`;
}

function nameOf(type: string): string {
  return type.slice(type.lastIndexOf('.') + 1);
}

function isVersioned(file: string): boolean {
  return /\.v\d/.test(file);
}

function familyOf(file: string): string {
  return file.split('.')[0] ?? file;
}

/**
 * Gives a schema the address that others know it by (some declare another one),
 * and makes a resource that is linked mean a link: the graph of all resources
 * would take minutes to compile. Redundancy is embedded rather than linked, so it stays whole.
 */
function prepared(file: string, schema: AnySchemaObject): AnySchemaObject {
  const name = file.replace(/\.json$/, '');
  const versions: { $ref?: string }[] = schema.definitions?.[name]?.anyOf ?? [];
  const isResource = name !== 'Redundancy' && versions.some(({ $ref }) => $ref === idRef);
  const definitions = isResource ? { ...schema.definitions, [name]: linked } : schema.definitions;
  return { ...schema, $id: `${base}${file}`, definitions };
}

/** Leaves out references to what is defined elsewhere (the storage industry's volumes and pools): anything goes there. */
function withoutForeign(key: string, value: unknown): unknown {
  return key === '$ref' && typeof value === 'string' && /^http/.test(value) && !value.startsWith(base)
    ? undefined
    : value;
}

const linked = { type: 'object', required: ['@odata.id'] };
