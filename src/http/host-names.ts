/**
 * The names under which a server answers. A foreign name can be re-bound to this machine's address (DNS rebinding), and
 * a page of that name would then count as the server's own. An address cannot be re-bound. So Host may be any address,
 * but only a name of this machine or an allowed one.
 */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { domainToASCII } from 'node:url';
import { invalidOption } from '../model/invalid-option.ts';

/** Allows every name. For servers whose clients cannot be deceived, such as those behind a proxy that checks Host. */
const anyName = '*';

/** Lower case, without a port, the brackets of an IPv6 address, and the final dot of a full name. */
const nameOf = (host: string): string =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();

/** The machine's name, also without its domain and with the domain of multicast DNS: `pi`, `pi.local`. */
const ownNames = (): readonly string[] => {
  const full = hostname().toLowerCase();
  const [short] = full.split('.');
  return ['localhost', full, short, `${short}.local`];
};

const allowedName = (name: unknown): string => {
  const ascii = typeof name !== 'string' ? '' : name === anyName ? anyName : domainToASCII(nameOf(name));
  if (ascii !== '') return ascii;
  throw invalidOption('allowedHosts', name, 'names such as "metrics.example.com", or "*" for every name');
};

export class HostNames {
  private readonly names: ReadonlySet<string>;

  /** Throws `TIDEMARK_INVALID_OPTION` if an entry is no name. */
  constructor(allowed: readonly string[]) {
    this.names = new Set([...ownNames(), ...allowed.map(allowedName)]);
  }

  /** Whether a Host header names this server. */
  has(host: string | undefined): boolean {
    if (this.names.has(anyName)) return true;
    if (host === undefined) return false;
    const name = nameOf(host);
    return isIP(name) !== 0 || this.names.has(name);
  }
}
