/** Certificates for tests, made by the `openssl` command. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export const opensslIsMissing = 'no openssl command to make a certificate with';

/** Makes a certificate of its own authority for this machine; `undefined` if there is no `openssl`. */
export const makeCertificate = (folder: string): CertificateFiles | undefined => {
  const [certPath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const made = spawnSync('openssl', ['req', '-x509', ...curve, '-keyout', keyPath, '-out', certPath, ...subject]);
  return made.status === 0
    ? { certPath, keyPath, cert: readFileSync(certPath), key: readFileSync(keyPath) }
    : undefined;
};
