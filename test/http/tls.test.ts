import { request } from 'node:https';
import { expect } from 'chai';
import { PagesServer, type TlsFiles } from '../../src/http/index.ts';
import { makeCertificate, opensslIsMissing } from '../support/certificate.ts';
import { FakeStore } from '../support/fake-store.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

describe('the server with a certificate', () => {
  let tls: TlsFiles;
  let other: TlsFiles;

  before(function () {
    const made = [temporaryDirectory(), temporaryDirectory()].map(makeCertificate);
    if (made[0] === undefined || made[1] === undefined) {
      process.stderr.write(`skipped: ${opensslIsMissing}\n`);
      this.skip();
    }
    [tls, other] = [made[0], made[1]].map(({ cert, key }) => ({ cert, key }));
  });

  after(removeTemporaryDirectories);

  it('speaks HTTPS: the address, the cookie and Origin', async () => {
    const server = new PagesServer({ tls, token: 'test-token' });
    await server.listen();
    server.showStore(new FakeStore());
    const get = (path: string, headers: Record<string, string> = {}): Promise<{ status: number; cookie: string }> =>
      new Promise((resolve, reject) => {
        const url = new URL(path, server.url);
        request(url, { ca: tls.cert, headers, agent: false }, (response) => {
          response
            .resume()
            .on('end', () =>
              resolve({ status: response.statusCode ?? 0, cookie: response.headers['set-cookie']?.[0] ?? '' }),
            );
        })
          .on('error', reject)
          .end();
      });
    try {
      expect(server.url).to.equal(`https://127.0.0.1:${server.port}/?token=test-token`);
      const first = await get(server.url);
      expect(first.status).to.equal(303);
      expect(first.cookie).to.match(/; Secure$/);
      const cookie = first.cookie.split(';')[0];
      const own = `127.0.0.1:${server.port}`;
      expect((await get('/explore', { cookie })).status).to.equal(200);
      expect((await get('/api/v1/labels', { cookie, origin: `https://${own}` })).status).to.equal(200);
      expect((await get('/api/v1/labels', { cookie, origin: `http://${own}` })).status).to.equal(403);
    } finally {
      await server.close();
    }
  });

  it('says which file is wrong', () => {
    const wrong: readonly (readonly [TlsFiles, RegExp])[] = [
      [{ ...tls, cert: 'nothing' }, /tls\.cert is not a certificate in PEM/],
      [{ ...tls, key: tls.cert }, /tls\.key is not a private key in PEM/],
      [{ ...tls, key: other.key }, /tls\.key is not the key of the certificate tls\.cert/],
    ];
    for (const [files, message] of wrong) expect(() => new PagesServer({ tls: files })).to.throw(message);
  });
});
