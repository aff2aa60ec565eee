/** The pages' files, read once at the start: scripts and styles as `.ci/pages.mjs` has built them, machine layouts. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { TidemarkError } from '../index.ts';
import { shippedFile } from '../ports/package.ts';
import { sendText } from './reply.ts';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

interface StaticFile {
  readonly contentType: string;
  readonly body: Buffer;
  readonly etag: string;
}

const readStatic = (path: string): StaticFile => {
  const body = readFileSync(path);
  return {
    contentType: contentTypes[extname(path)] ?? 'application/octet-stream',
    body,
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
  };
};

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** The files by their path in the address. The page itself is `/index.html`. Throws if the pages are not installed. */
export const readStaticFiles = (): ReadonlyMap<string, StaticFile> => {
  const folder = shippedFile(['./pages', '../ui/public'], import.meta.url);
  if (folder === undefined) {
    throw new TidemarkError(
      'TIDEMARK_MISSING_FILE',
      'the pages of tidemark/http are not installed: copy dist/lib/pages of the package beside the bundled program',
    );
  }
  return new Map(
    filesBelow(folder).map((path) => [`/${relative(folder, path).split(sep).join('/')}`, readStatic(path)]),
  );
};

/** Answers with a file, or with 304 if the client already has it. */
export const sendStatic = (request: IncomingMessage, response: ServerResponse, file: StaticFile): void => {
  response.setHeader('Cache-Control', 'no-cache');
  response.setHeader('ETag', file.etag);
  if (request.headers['if-none-match'] === file.etag) response.writeHead(304).end();
  else sendText(response, 200, file.contentType, file.body);
};
