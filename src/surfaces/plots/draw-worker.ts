/** The thread of {@link drawPicture}: one picture, then it ends. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Picture } from '../../core/picture.ts';
import { pictureSvg } from './picture-svg.ts';
import { svgPng } from './svg-png.ts';

parentPort?.postMessage(await svgPng(pictureSvg(workerData as Picture)));
