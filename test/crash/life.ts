/** One life of a writer: a process, and the moment at which it is killed. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { seeded } from '../support/seeded.ts';
import { type Claim, parseClaims } from './claims.ts';
import type { WriterInput } from './writer.ts';

const writer = fileURLToPath(new URL('./writer.js', import.meta.url));
/** A life that takes longer than this hangs. */
const LIFE_MS_MAX = 60_000;

/** When a writer is killed. `never`: it is not killed, but closes the store and exits. */
export type Moment =
  | { readonly kind: 'opening' | 'running' | 'closing'; readonly delayMs: number }
  | { readonly kind: 'call'; readonly call: number }
  | { readonly kind: 'never' };

export const chooseMoment = (random: ReturnType<typeof seeded>): Moment => {
  const choice = random.int(20);
  if (choice < 4) return { kind: 'opening', delayMs: random.int(150) };
  if (choice < 7) return { kind: 'closing', delayMs: random.int(80) };
  if (choice < 11) return { kind: 'call', call: Math.ceil(Math.exp(random.next() * Math.log(5000))) };
  return { kind: 'running', delayMs: random.int(900) };
};

export interface Life {
  readonly claims: readonly Claim[];
  /** The writer closed the store and exited. */
  readonly closed: boolean;
  /** What went wrong, if anything did. */
  readonly complaint: string | undefined;
}

/** Runs a writer and kills it at the given moment. */
export const live = (input: WriterInput, moment: Moment): Promise<Life> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', writer, JSON.stringify(input)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    let isHung = false;
    let isKilling = false;
    const end = setTimeout(() => {
      isHung = true;
      child.kill('SIGKILL');
    }, LIFE_MS_MAX);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (isKilling || !('delayMs' in moment) || !output.includes(`{"type":"${moment.kind}"`)) return;
      isKilling = true;
      setTimeout(() => child.kill('SIGKILL'), moment.delayMs);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(end);
      const closed = code === 0;
      const asPlanned =
        moment.kind === 'never' ? closed : signal === 'SIGKILL' || (moment.kind !== 'running' && closed);
      const complaint = isHung ? 'it hung' : asPlanned ? undefined : `it ended with ${code ?? signal}`;
      resolve({
        claims: parseClaims(output),
        closed,
        complaint: complaint && `${complaint}: ${output.slice(-1500)}${errors.slice(-3000)}`,
      });
    });
  });
