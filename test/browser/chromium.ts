/**
 * Debian's Chromium, started headless for the page tests. Says what to install when it is missing; never downloads a browser.
 */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Throws one clear line when there is no Chromium. `exists` is passed in by the test of that line. */
export function findChromium(exists: (path: string) => boolean = existsSync): string {
  const found = places.find(exists);
  if (found === undefined) {
    throw new Error(`The browser tests need Chromium, and none is at ${places.join(', ')}: apt-get install chromium`);
  }
  return found;
}

/** Without background networking: the tests talk to loopback and to nothing else. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
