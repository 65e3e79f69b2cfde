/** The program: the command line in front, and the parts that run as processes of their own behind it. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pc from 'picocolors';
import pino from 'pino';
import { catalog } from '../tools/index.ts';
import { clientEnvironment, type ConfigProblem, loadConfig } from './config.ts';
import { FleetError } from './core/errors.ts';
import { runPart } from './demo/child.ts';
import { runDemo } from './demo/demo.ts';
import { labAddresses } from './demo/lab-addresses.ts';
import { writeLabConfig } from './demo/lab-config.ts';
import { describeLab } from './lab/description.ts';
import { type LabOptions, startLab } from './lab/lab.ts';
import { startService } from './service.ts';
import { runCli } from './surfaces/cli/cli.ts';
