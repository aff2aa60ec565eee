/**
 * `npm run bench:peers`: the workload on what a Node developer would use instead, and on Tidemark, in one run.
 *
 *   --quick           a small size: shows that everything works, not how fast it is
 *   --size N,S        series and rounds (default 100000x240)
 *   --only NAME       one peer; may be repeated
 *   --directory DIR   where the stores are made (default: the system's folder for temporary files)
 *   --out FILE        writes the figures as JSON (default: coverage/bench-peers.json)
 *   --publish         renews the table of this size in docs/performance.md
 *
 * The peers are no dependencies of this project. Each is installed when it is first needed, into a folder of its own
 * below node_modules/.cache; one that cannot be installed is reported, with the reason, and the exit code is 1. As with
 * Tidemark, every sample is read back and compared bit for bit, after the run and after a reopen. Prometheus 2.x is
 * measured by its own tools, where `promtool` and `prometheus` are installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { CaseContext } from './cases/case.ts';
import { peers } from './peers/list.ts';
import type { PeerFigures, PeerRequest } from './peers/main.ts';
import type { Peer } from './peers/peer.ts';
import * as prometheus from './peers/prometheus.ts';
import { withPeers } from './publish.ts';
import { peersTable } from './report.ts';
import { askChild, runCase } from './run-case.ts';
import { roundMs, sizeFrom, type Workload } from './workload.ts';

const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    size: { type: 'string' },
    only: { type: 'string', multiple: true },
    directory: { type: 'string', default: tmpdir() },
    out: { type: 'string', default: join('coverage', 'bench-peers.json') },
    publish: { type: 'boolean', default: false },
  },
});

const size = sizeFrom(given.size ?? (given.quick ? '2000x60' : '100000x240'));
const workload: Workload = { ...size, base: Math.floor((Date.now() - size.rounds * roundMs) / roundMs) * roundMs };
const failures: string[] = [];
const DOCUMENT = join('docs', 'performance.md');

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Installs the peer where it is not yet, and returns the folder. */
const install = ({ title, packageSpec }: Peer): string => {
  const prefix = resolve('node_modules', '.cache', 'bench-peers', title);
  if (existsSync(join(prefix, 'node_modules'))) return prefix;
  mkdirSync(prefix, { recursive: true });
  writeFileSync(join(prefix, 'package.json'), JSON.stringify({ private: true }));
  say(`installing ${packageSpec}`);
  const { status, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', packageSpec], {
    cwd: prefix,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) return prefix;
  rmSync(prefix, { recursive: true, force: true });
  throw new Error(`${packageSpec} could not be installed: ${stderr.trim().slice(-1_000)}`);
};

const inDirectory = async <Result>(work: (directory: string) => Promise<Result>): Promise<Result> => {
  const directory = mkdtempSync(join(given.directory, 'tidemark-peers-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const measurePeer = async (peer: Peer): Promise<PeerFigures> => {
  const prefix = install(peer);
  return inDirectory(async (directory) => {
    const ask = (step: PeerRequest['step']): Promise<PeerFigures> =>
      askChild<PeerFigures>({
        entry: join('peers', 'main.js'),
        title: `${peer.title}, ${step}`,
        request: { title: peer.title, step, directory, prefix, workload } satisfies PeerRequest,
      });
    return { ...(await ask('fill')), ...(await ask('reopen')) };
  });
};

const measureTidemark = (): Promise<PeerFigures> =>
  inDirectory(async (directory) => {
    const context: CaseContext = {
      directory,
      workload,
      way: 'handle',
      tailRounds: 0,
      restSeconds: 0,
      samplesPerSecond: 0,
      seconds: 0,
    };
    const { figures: filled } = await runCase('ingest', context);
    const { figures: reopened } = await runCase('reopenClean', context);
    const { handleNs = Number.NaN, ...others } = { ...filled, ...reopened };
    return { ...others, appendNs: handleNs };
  });

const measured: { title: string; configuration: string; figures: PeerFigures }[] = [];
const measure = async (title: string, configuration: string, work: () => Promise<PeerFigures>): Promise<void> => {
  const started = performance.now();
  try {
    measured.push({ title, configuration, figures: await work() });
    say(`${title}: ${((performance.now() - started) / 1e3).toFixed(0)} s`);
  } catch (error) {
    failures.push(`${title}: ${error instanceof Error ? error.message : error}`);
    say(failures.at(-1) ?? '');
  }
};

const isAsked = (title: string): boolean => given.only === undefined || given.only.includes(title);
if (isAsked('Tidemark')) await measure('Tidemark', 'by handle, journal on, durability interval', measureTidemark);
for (const peer of peers.filter(({ title }) => isAsked(title))) {
  await measure(peer.title, peer.configuration, () => measurePeer(peer));
}

if (isAsked(prometheus.title)) {
  await measure(prometheus.title, prometheus.configuration, () =>
    inDirectory((directory) => prometheus.measurePrometheus(directory, size)),
  );
}

mkdirSync(dirname(given.out), { recursive: true });
writeFileSync(given.out, `${JSON.stringify({ workload: size, measured, failures }, undefined, 2)}\n`);
process.stdout.write(`${peersTable(measured)}\n`);
if (given.publish) {
  const text = readFileSync(DOCUMENT, 'utf8');
  writeFileSync(DOCUMENT, withPeers(text, `${size.seriesCount}x${size.rounds}`, peersTable(measured)));
}
if (failures.length > 0) {
  process.stdout.write(`\n${failures.length} peers have no figures:\n${failures.join('\n')}\n`);
  process.exitCode = 1;
}
