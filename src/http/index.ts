/** `tidemark/http`: the pages and endpoints, for programs that serve them for a store of their own. */
export { PagesServer, type ServerOptions } from './server.ts';
