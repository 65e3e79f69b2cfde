/** SVG as PNG, in the font that is shipped along: a fresh machine has none. */
import { fileURLToPath } from 'node:url';
import { renderAsync } from '@resvg/resvg-js';
import { family } from './chart.ts';

/** Pixels for one of the drawing, so that letters are sharp. */
const zoom = 2;
const fonts = ['DejaVuSansCondensed.ttf', 'DejaVuSansCondensed-Bold.ttf'].map(file =>
  fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${file}`)),
);

/** The same drawing gives the same bytes. */
export async function svgPng(svg: string): Promise<Buffer> {
  const font = { fontFiles: fonts, loadSystemFonts: false, defaultFontFamily: family };
  const image = await renderAsync(svg, { font, fitTo: { mode: 'zoom', value: zoom } });
  return image.asPng();
}
