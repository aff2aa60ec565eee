/**
 * A bound socket as a lock between processes: the operating system lets one process bind a name, and frees it however
 * that process ends. Closing files does not. The name is not a file (an abstract socket on Linux, a named pipe on
 * Windows), so nothing is left behind. Other systems have no such names.
 *
 * Whoever connects is told who holds the name, as one line of JSON.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** How long a holder may take to answer; one whose program is busy takes longer, and holds the name all the same. */
const ANSWER_MS_MAX = 1000;
const ANSWER_BYTES_MAX = 4096;
/** Connections at a time; an answer takes microseconds. */
const CONNECTIONS_MAX = 16;

/**
 * Bytes of an abstract name. Runtimes differ in whether they fill a shorter name with zeros up to the 108 bytes that Linux
 * has for it, and would not see each other's. Bun takes 107 at the most.
 */
const ABSTRACT_LENGTHS = [108, 107];

/** Names for a directory, the best first; none where there are no such names. */
export const socketNames = (identity: string): readonly string[] => {
  if (process.platform === 'linux') {
    return ABSTRACT_LENGTHS.map((length) => `\0tidemark/${identity}/`.padEnd(length, '.'));
  }
  return process.platform === 'win32' ? [`\\\\.\\pipe\\tidemark-${identity}`] : [];
};

/** The open connections of each server. */
const askers = new WeakMap<Server, ReadonlySet<Socket>>();

/** `taken` when another has the name, `unavailable` when this system or its rules have no such socket. */
export const bindSocket = (name: string, answer: () => string): Promise<Server | 'taken' | 'unavailable'> =>
  new Promise((resolve) => {
    const asking = new Set<Socket>();
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.unref();
      // A process that connects and stays would keep the server from closing.
      socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
      socket.end(answer(), () => socket.destroySoon());
      asking.add(socket);
      socket.once('close', () => asking.delete(socket));
    });
    askers.set(server, asking);
    server.maxConnections = CONNECTIONS_MAX;
    server.unref();
    server.once('error', (error) => {
      resolve('code' in error && error.code === 'EADDRINUSE' ? 'taken' : 'unavailable');
    });
    try {
      // Workers of a cluster would share a handle that is not exclusive.
      server.listen({ path: name, exclusive: true }, () => {
        server.on('error', () => {});
        resolve(server);
      });
    } catch {
      resolve('unavailable');
    }
  });

/** What the holder answers; `gone` when there is none any more, `undefined` when it does not answer in time. */
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
      socket.on('error', (error) => finish('code' in error && error.code === 'ECONNREFUSED' ? 'gone' : undefined));
      socket.on('close', () => finish(undefined));
    } catch {
      resolve(undefined);
    }
  });

/** Frees the name. Connections that are still open are ended: the server closes only without any. */
export const closeSocket = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of askers.get(server) ?? []) socket.destroy();
  });
