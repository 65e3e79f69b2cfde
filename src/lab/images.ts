/**
 * Firmware images that the lab's BMCs can flash: one line of JSON that says
 * what the image is for, then payload. Made deterministically, so a digest
 * written into a configuration stays true from one start to the next.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { Component } from '../core/bmc.ts';
import { sha256 } from '../core/canonical.ts';
import type { LabVendor } from './bmc/profiles/profile.ts';

/** `drives`: models of the drives that it is for. */
export type ImageHeader = {
  vendor: LabVendor;
  models: string[];
  component: Component;
  version: string;
  drives?: string[];
};

const imageBytes = 64 * 1024;

/** The 64 KiB image for `header`; the same header gives the same bytes. */
export function makeImage(header: ImageHeader): Buffer {
  const { vendor, models, component, version, drives } = header;
  const line = Buffer.from(`${JSON.stringify({ vendor, models, component, version, drives })}\n`);
  const chunks = [line];
  for (let size = line.length, i = 0; size < imageBytes; i++, size += 32) {
    chunks.push(createHash('sha256').update(line).update(String(i)).digest());
  }
  return Buffer.concat(chunks).subarray(0, imageBytes);
}

/** Writes the image for `header` to `file` and returns its hex SHA-256. */
export async function writeImage(file: string, header: ImageHeader): Promise<string> {
  const image = makeImage(header);
  await writeFile(file, image);
  return sha256(image).toString('hex');
}

/** The header of an image, or undefined when the bytes are no image of the lab or were truncated or altered. */
export function readImage(bytes: Buffer): ImageHeader | undefined {
  const end = bytes.indexOf('\n');
  if (end < 2 || end > 4096) return undefined;
  try {
    const header: ImageHeader = JSON.parse(bytes.subarray(0, end).toString());
    return makeImage(header).equals(bytes) ? header : undefined;
  } catch {
    return undefined;
  }
}
