/** The address of a server as a person can open it. */
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Addresses that a server binds to listen on every address of the machine. They can't be opened. */
const everyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** An address of this machine that others can reach: the first one in IPv4, otherwise in IPv6, otherwise its own name. */
const outerAddress = (): string => {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outer = addresses.filter(({ internal }) => !internal);
  // A link-local address in IPv6 needs a zone, which browsers don't take.
  const usable = outer.filter(({ family, address }) => family === 'IPv4' || !/^fe[89ab]/i.test(address));
  return (usable.find(({ family }) => family === 'IPv4') ?? usable[0])?.address ?? 'localhost';
};

/** The host of an address for the address bar. */
export const shownHost = (bound: string): string => {
  const host = everyAddress.has(bound) ? outerAddress() : bound;
  return isIPv6(host) ? `[${host}]` : host;
};
