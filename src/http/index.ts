/** `tidemark/http`: the pages and endpoints, for programs that serve them for their own store. */

export type { OtlpOptions } from '../otlp/conversion-options.ts';
export { createHandler, type Handler } from './handler.ts';
export type { HandlerOptions } from './handler-options.ts';
export type * from './rules-source.ts';
export { PagesServer, type ServerOptions } from './server.ts';
export type { TlsFiles } from './tls-files.ts';
