/**
 * Installs the dependencies when they are missing or differ from the lock file, so that `npm start` and `npm test`
 * work by themselves on a fresh clone. Runs before any dependency exists: plain Node, nothing imported but its own
 * modules. Says nothing and takes a few milliseconds when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const read = (path) => JSON.parse(readFileSync(path, 'utf8'));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`tidemark needs Node.js 20.19 or newer; this is ${process.version}.\n`);
  process.exit(1);
}

/** npm keeps a copy of the lock file of what is installed; packages for other platforms are absent from it. */
const missingPackages = () => {
  const installedPath = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedPath)) return undefined;
  const installed = read(installedPath).packages;
  const wanted = read(join(root, 'package-lock.json')).packages;
  return Object.entries(wanted)
    .filter(([path, { optional, version }]) => path !== '' && !optional && installed[path]?.version !== version)
    .map(([path]) => path.replace(/^node_modules\//, ''));
};

/** npm's own report would end up in the output of `npm start` and in pipes, so it goes to stderr, or nowhere. */
const npm = (command, report) =>
  spawnSync('npm', [...command, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', report, report],
    shell: process.platform === 'win32',
  }).status ?? 1;

const missing = missingPackages();
if (missing === undefined || missing.length > 0) {
  const reason = missing === undefined ? 'node_modules is missing' : `not as locked: ${missing.slice(0, 5).join(', ')}`;
  process.stderr.write(`Installing dependencies (${reason}) …\n`);
  // `npm ci` starts from nothing. It is strict about packages for other platforms, which a mirror of the registry may
  // not have; and where something is installed already, only what differs is brought in. The lock file stays as it is.
  const installed = missing === undefined && npm(['ci'], 'ignore') === 0;
  const status = installed ? 0 : npm(['install', '--no-save'], 2);
  if (status !== 0) {
    process.stderr.write('Installing the dependencies failed; `npm ci` shows why.\n');
    process.exit(status);
  }
}
