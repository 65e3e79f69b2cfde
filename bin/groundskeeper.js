#!/usr/bin/env node
/**
 * Starts the program with a Node that runs TypeScript sources: the one that
 * runs this file, or else the one that the `node` package brought along. This
 * file itself stays plain JavaScript for Node 20.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

function isCurrent() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return (major > 22 || (major === 22 && minor >= 19)) && Boolean(process.features.typescript);
}

/** The executable of the `node` package, undefined when it is not installed. */
function packagedNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    const file = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

const node = isCurrent() ? process.execPath : packagedNode();

if (node === undefined) {
  console.error(`groundskeeper needs Node.js 22.19 or newer; this is ${process.version}.`);
  console.error('Install a newer one, or run "npm install" in the checkout: it brings one along.');
  process.exit(1);
}

/** Starting takes half the work where compiled sources are kept; in a folder that nobody else writes. */
const compiled = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'groundskeeper', 'compiled');

const child = spawn(node, ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: compiled, ...process.env },
});

// The terminal sends Ctrl-C to the child too; who ends first must not be us.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));

child.on('error', error => {
  console.error(`groundskeeper cannot start ${node}: ${error.message}`);
  process.exit(1);
});

child.on('exit', (code, signal) => {
  process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
});
