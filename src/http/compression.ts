/** Compression of answers: which coding a client accepts, and streams that encode cheaply. */
import type { ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { createDeflate, createGzip } from 'node:zlib';

type ContentCoding = 'gzip' | 'deflate';

/** Shorter answers are sent as they are: compressing them costs more than it saves. */
export const COMPRESSED_BYTES_MIN = 1024;

/** Higher levels cost several times the processor time for a few percent of JSON. */
const LEVEL = 1;

/** Whether `;q=0` says that the coding is not acceptable. */
const isRefused = (parameters: readonly string[]): boolean =>
  parameters.some((parameter) => /^\s*q\s*=\s*0(?:\.0*)?\s*$/i.test(parameter));

/** The first coding of an Accept-Encoding header that this server has. */
const codingOf = (accepted: string): ContentCoding | undefined => {
  for (const entry of accepted.split(',')) {
    const [name, ...parameters] = entry.split(';');
    const coding = name.trim().toLowerCase();
    if ((coding === 'gzip' || coding === 'deflate') && !isRefused(parameters)) return coding;
  }
  return undefined;
};

/** The coding for a response, from the Accept-Encoding header of its request; `undefined` for none. */
export const codingFor = ({ req }: ServerResponse): ContentCoding | undefined => {
  const accepted = req.headers['accept-encoding'];
  return codingOf(Array.isArray(accepted) ? accepted.join(',') : (accepted ?? ''));
};

/** A stream that encodes what is written to it. */
export const encoderOf = (coding: ContentCoding): Transform =>
  coding === 'gzip' ? createGzip({ level: LEVEL }) : createDeflate({ level: LEVEL });
