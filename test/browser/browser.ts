/** Debian's Chromium for tests of the pages: headless, without a network beyond this machine. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = process.env['TIDEMARK_CHROMIUM'] ?? '/usr/bin/chromium';

/** Whether there is a browser to test with. */
export const browserIsThere = existsSync(executablePath);

export const browserIsMissing = `no Chromium at ${executablePath}: apt-get install chromium, or set TIDEMARK_CHROMIUM`;

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  });
