/** What `publish` says where its optional packages are not installed. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';

const urlOf = (file: string): string => pathToFileURL(join(process.cwd(), 'dist', 'src', file)).href;

/** Hides the packages from `import`, and prints the error of `publish`. */
const program = `
import { register } from 'node:module';
const hooks = \`export const resolve = (name, context, next) => {
  if (name.startsWith('@nats-io/')) throw Object.assign(new Error('Cannot find package ' + name), { code: 'ERR_MODULE_NOT_FOUND' });
  return next(name, context);
};\`;
register('data:text/javascript,' + encodeURIComponent(hooks));
const { publish } = await import(${JSON.stringify(urlOf('remote/index.js'))});
const { code, message, details } = await publish({ append() {}, select() {}, query() {} }, 'mirror', { servers: 'nats://127.0.0.1:1', stream: 'S' }).catch((e) => e);
process.stdout.write(JSON.stringify({ code, message, details }));
`;

describe('publish without the NATS client', () => {
  it('names what to install', () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect(stdout, stderr).to.not.equal('');
    const error = JSON.parse(stdout) as { code: string; message: string; details: unknown };
    expect(error.code).to.equal('TIDEMARK_MISSING_PACKAGE');
    expect(error.details).to.deep.equal({ package: '@nats-io/transport-node' });
    expect(error.message).to.include('npm install @nats-io/transport-node@3 @nats-io/jetstream@3');
  });
});
