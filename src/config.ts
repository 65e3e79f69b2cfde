/**
 * The configuration: parsed once, strictly, with every problem reported
 * together. This file alone reads the environment.
 */
import { dirname, join, resolve } from 'node:path';
import { buildConfig } from './config/build-config.ts';
import { checkAddresses } from './config/check-addresses.ts';
import { checkEtcd } from './config/check-etcd.ts';
import { checkFiles } from './config/check-files.ts';
import { checkNames } from './config/check-names.ts';
import { checkOidc } from './config/check-oidc.ts';
import { checkSlack } from './config/check-slack.ts';
import type { Config } from './config/config-types.ts';
import { configDocument } from './config/document-schema.ts';
import { looseDocument } from './config/loose-document.ts';
import { type ConfigProblem, Problems } from './config/problems.ts';
import { readDocument } from './config/read-document.ts';
import type { Environment } from './config/secret-source.ts';

export type { Config } from './config/config-types.ts';
export type { ConfigProblem } from './config/problems.ts';
export { directoryOf, linksBy, secretsOf } from './config/who-and-what.ts';

export type ConfigResult = { ok: true; config: Config } | { ok: false; problems: ConfigProblem[] };

/**
 * Reads and checks a configuration file; relative paths in it start at its folder. Reads every file and secret that it
 * names, so a configuration that loads can be served. Never throws for what the file says.
 */
export function loadConfig(file: string, env: Environment = process.env): ConfigResult {
  const path = resolve(file);
  const baseDir = dirname(path);
  const problems = new Problems();
  const raw = readDocument(path, problems);
  if (raw === undefined) return { ok: false, problems: problems.list };
  const strict = configDocument.safeParse(raw);
  if (!strict.success) problems.addIssues(strict.error.issues, raw);
  const loose = looseDocument.parse(raw);
  checkNames(loose, problems);
  checkOidc(loose, raw, problems);
  checkSlack(loose, raw, problems);
  checkAddresses(loose, problems);
  checkEtcd(loose, problems);
  const outside = checkFiles(loose, { baseDir, env }, problems);
  if (!strict.success || problems.list.length > 0) return { ok: false, problems: problems.list };
  return { ok: true, config: buildConfig(strict.data, outside, baseDir) };
}

/** What a thin client takes from its environment. */
export type ClientEnvironment = {
  /** `GROUNDSKEEPER_URL`: origin of the service. */
  url?: string;
  /** `GROUNDSKEEPER_TOKEN`: the user's own token. */
  token?: string;
  /** Whether `GROUNDSKEEPER_MODEL_KEY` is set, for the demo's language model. */
  hasModelKey?: boolean;
  /** Folder for the client's own files, under `XDG_CONFIG_HOME` or `~/.config`. */
  configDir: string;
};

export function clientEnvironment(env: Environment = process.env): ClientEnvironment {
  const { GROUNDSKEEPER_URL: url, GROUNDSKEEPER_TOKEN: token, XDG_CONFIG_HOME: xdg, HOME: home } = env;
  const configHome = xdg || join(home || '.', '.config');
  return {
    ...(url && { url }),
    ...(token && { token }),
    ...(env.GROUNDSKEEPER_MODEL_KEY && { hasModelKey: true }),
    configDir: join(configHome, 'groundskeeper'),
  };
}
