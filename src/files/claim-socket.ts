/**
 * A bound socket as a lock between processes. The operating system lets only one process bind a name, and frees the
 * name however that process ends. Closing files does not free it. The name is not a file (an abstract socket on Linux,
 * a named pipe on Windows), so nothing is left behind. Other systems have no such names.
 *
 * A process that connects to the socket gets one line of JSON that says which process holds the name.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { codeOf } from '../model/errors.ts';

/** How long to wait for the holder's answer. A holder whose program is busy takes longer, but still holds the name. */
const ANSWER_MS_MAX = 1000;
const ANSWER_BYTES_MAX = 4096;
/** Simultaneous connections. An answer takes microseconds. */
const CONNECTIONS_MAX = 16;

/**
 * Lengths of an abstract name in bytes. Linux has 108 bytes for it. Some runtimes fill a shorter name with zeros up to
 * 108 bytes and others do not, so they would bind different names and not see each other. Bun takes 107 bytes at most.
 */
const ABSTRACT_LENGTHS = [108, 107];

/** Names for a directory, the best first. Empty on systems without such names. */
export const socketNames = (identity: string): readonly string[] => {
  if (process.platform === 'linux') {
    return ABSTRACT_LENGTHS.map((length) => `\0tidemark/${identity}/`.padEnd(length, '.'));
  }
  return process.platform === 'win32' ? [`\\\\.\\pipe\\tidemark-${identity}`] : [];
};

/** The open connections of each server. */
const askers = new WeakMap<Server, ReadonlySet<Socket>>();

/**
 * Binds the name. `taken` when another process or thread holds it; `unavailable` when the system has no such sockets or
 * does not permit them.
 */
export const bindSocket = (name: string, answer: () => string): Promise<Server | 'taken' | 'unavailable'> =>
  new Promise((resolve) => {
    const asking = new Set<Socket>();
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.unref();
      // A client that keeps its connection open would keep the server from closing.
      socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
      socket.end(answer(), () => socket.destroySoon());
      asking.add(socket);
      socket.once('close', () => asking.delete(socket));
    });
    askers.set(server, asking);
    server.maxConnections = CONNECTIONS_MAX;
    server.unref();
    server.once('error', (error) => {
      resolve(codeOf(error) === 'EADDRINUSE' ? 'taken' : 'unavailable');
    });
    try {
      // Without `exclusive` the workers of a cluster would share one handle.
      server.listen({ path: name, exclusive: true }, () => {
        server.on('error', () => {});
        resolve(server);
      });
    } catch {
      resolve('unavailable');
    }
  });

/**
 * Asks the holder for its answer. `gone` when no process holds the name any more; `undefined` when the answer is too
 * long, too late, or can't be read.
 */
export const askHolder = (name: string): Promise<string | 'gone' | undefined> =>
  new Promise((resolve) => {
    let text = '';
    try {
      const socket = connect({ path: name });
      const finish = (result: string | undefined): void => {
        resolve(result);
        socket.destroy();
      };
      socket.setEncoding('utf8');
      socket.setTimeout(ANSWER_MS_MAX, () => finish(undefined));
      socket.on('data', (data) => {
        text += String(data);
        if (text.length > ANSWER_BYTES_MAX) finish(undefined);
      });
      socket.on('end', () => finish(text));
      socket.on('error', (error) => finish(codeOf(error) === 'ECONNREFUSED' ? 'gone' : undefined));
      socket.on('close', () => finish(undefined));
    } catch {
      resolve(undefined);
    }
  });

/** Frees the name. Open connections are destroyed first: the server closes only when it has none. */
export const closeSocket = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of askers.get(server) ?? []) socket.destroy();
  });
