/** A project of somebody who uses the package, in a temporary folder: to install into, compile in and run programs in. */
import { fork, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Outcome {
  readonly exitCode: number | null;
  readonly output: string;
}

const repository = process.cwd();

/** Without what the test runner put there. */
const plainEnv = (): NodeJS.ProcessEnv => ({ ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' });

/** The strictest options that a consumer could reasonably have on. */
const compilerOptions = {
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  typeRoots: [join(repository, 'node_modules', '@types')],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
  noEmitOnError: true,
  outDir: 'out',
  rootDir: '.',
};

export class ConsumerProject {
  readonly directory = mkdtempSync(join(tmpdir(), 'tidemark-consumer-'));

  constructor() {
    this.write('package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
    this.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.directory, path)), { recursive: true });
    writeFileSync(join(this.directory, path), text);
  }

  /** Makes the package, as it was built here, and what it depends on importable without installing anything. */
  linkBuiltPackage(): void {
    for (const scope of ['@opentelemetry', '@statelyai', '@types'])
      mkdirSync(join(this.directory, 'node_modules', scope), { recursive: true });
    symlinkSync(repository, join(this.directory, 'node_modules', 'tidemark'), 'junction');
    for (const name of [
      '@opentelemetry/exporter-metrics-otlp-proto',
      '@opentelemetry/sdk-metrics',
      '@statelyai/inspect',
      '@types/express',
      '@types/koa',
      'express',
      'fastify',
      'koa',
      'prom-client',
      'rxjs',
      'xstate',
    ]) {
      symlinkSync(join(repository, 'node_modules', name), join(this.directory, 'node_modules', name), 'junction');
    }
  }

  /** Type-checks every .ts file at the project's root and compiles them into out/. */
  compile(...options: readonly string[]): Promise<Outcome> {
    const tsc = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
    return this.run(process.execPath, [tsc, '-p', '.', '--pretty', 'false', ...options]);
  }

  /** Runs one of the project's programs in a folder of its own, so that each has its own ./data. */
  runProgram(path: string): Promise<Outcome> {
    const folder = join(this.directory, 'runs', path.replaceAll(/[\\/.]/g, '-'));
    mkdirSync(folder, { recursive: true });
    return this.run(process.execPath, [join(this.directory, path)], folder);
  }

  /** Runs one of the project's programs, and gathers what it sends as messages beside what it prints. */
  ask(path: string, args: readonly string[]): Promise<Outcome & { readonly messages: readonly unknown[] }> {
    return new Promise((resolve, reject) => {
      const child = fork(join(this.directory, path), args, {
        cwd: this.directory,
        execArgv: [],
        silent: true,
        env: plainEnv(),
      });
      const messages: unknown[] = [];
      child.on('message', (message) => messages.push(message));
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (text: Buffer) => {
          output += text.toString();
        });
      }
      child.once('error', reject);
      child.once('close', (exitCode) => resolve({ exitCode, output, messages }));
    });
  }

  run(command: string, args: readonly string[], cwd = this.directory): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, { cwd, env: plainEnv(), stdio: ['ignore', 'pipe', 'pipe'], timeout: 50_000 });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (text: Buffer) => {
          output += text.toString();
        });
      }
      child.once('error', reject);
      child.once('close', (exitCode) => resolve({ exitCode, output }));
    });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
