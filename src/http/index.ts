/** `tidemark/http`: the pages and endpoints, for programs that serve them for their own store. */
export { PagesServer, type ServerOptions } from './server.ts';
