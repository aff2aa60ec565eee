/** Debian's nats-server with JetStream: started, killed and started again on the same port and directory. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const command = ['nats-server', '/usr/sbin/nats-server'].find((path) => spawnSync(path, ['--version']).status === 0);

export const hasNatsServer = command !== undefined;

export interface StreamContent {
  readonly subject: string;
  readonly id: string;
  readonly event: {
    readonly type: string;
    readonly position: number;
    readonly values?: readonly number[];
    readonly from?: number;
  };
}

export class NatsServer {
  private readonly directory: string;
  private child: ChildProcess | undefined;
  url = '';

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Starts the server. The first start chooses the port. Resolves when it listens. */
  async start(more: readonly string[] = []): Promise<void> {
    const port = this.url === '' ? '-1' : new URL(this.url).port;
    const { directory } = this;
    const args = ['-js', '-sd', directory, '-a', '127.0.0.1', '-p', port, '--ports_file_dir', directory, ...more];
    const child = spawn(command ?? 'nats-server', args, { stdio: 'ignore' });
    this.child = child;
    const file = join(directory, `nats-server_${child.pid}.ports`);
    while (child.exitCode === null) {
      const url = urlIn(file);
      if (url !== undefined) {
        this.url = url;
        unlinkSync(file);
        return;
      }
      await sleep(20);
    }
    throw new Error(`nats-server ended with ${child.exitCode}`);
  }

  /** Ends the server with `SIGKILL`, or in order. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  /** Every message of a stream, in order. */
  async contents(stream: string): Promise<StreamContent[]> {
    const nats = await connect({ servers: this.url });
    try {
      const manager = await jetstreamManager(nats);
      const { state } = await manager.streams.info(stream);
      const contents: StreamContent[] = [];
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const message = await manager.streams.getMessage(stream, { seq });
        if (message === null) throw new Error(`message ${seq} is missing`);
        const { subject } = message;
        contents.push({
          subject,
          id: message.header.get('Nats-Msg-Id'),
          event: message.json<StreamContent['event']>(),
        });
      }
      return contents;
    } finally {
      await nats.close();
    }
  }
}

const urlIn = (file: string): string | undefined => {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { nats: string[] }).nats[0];
  } catch {
    // The file is not there yet, or not whole.
    return undefined;
  }
};
