/** A certificate and its key, checked before a server uses them: OpenSSL's own messages don't say which file is wrong. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { TidemarkError } from '../index.ts';
import { messageOf } from '../text/error-text.ts';

export interface TlsFiles {
  /** The certificate in PEM, followed by those of its authorities. */
  readonly cert: string | Buffer;
  /** The private key in PEM, without a passphrase. */
  readonly key: string | Buffer;
}

const invalid = (option: string, problem: string, cause?: unknown): TidemarkError =>
  new TidemarkError('TIDEMARK_INVALID_OPTION', `${option} ${problem}`, { cause, details: { option } });

/** Throws `TIDEMARK_INVALID_OPTION` if the texts are no certificate and its key. `names`: what messages call them. */
export const checkTls = ({ cert, key }: TlsFiles, names = { cert: 'tls.cert', key: 'tls.key' }): void => {
  let certificate: X509Certificate;
  let privateKey: ReturnType<typeof createPrivateKey>;
  try {
    certificate = new X509Certificate(cert);
  } catch (error) {
    throw invalid(names.cert, `is not a certificate in PEM: ${messageOf(error)}`, error);
  }
  try {
    privateKey = createPrivateKey(key);
  } catch (error) {
    throw invalid(names.key, `is not a private key in PEM without a passphrase: ${messageOf(error)}`, error);
  }
  if (!certificate.checkPrivateKey(privateKey))
    throw invalid(names.key, `is not the key of the certificate ${names.cert}`);
};
