// A real Chromium: the one in CHROMIUM, one on the PATH, or Debian's, which is installed where that is possible.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { installPackage } from './install-package.js';

// The headless shell has no user interface, and takes half the time.
const programs = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const remedy =
  'The tests of the inspector need a Chromium. Install chromium so that it is on the PATH, or set CHROMIUM to the path of a Chromium or Chrome.';

/** Starts a browser without a window. Throws, with the remedy, where there is none and none can be installed. */
export async function startChromium(): Promise<Browser> {
  if (findChromium() === undefined) installPackage('chromium-headless-shell', remedy);
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(remedy);
  // The sandbox of Chromium does not start for root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return await chromium.launch({ executablePath, args });
}

function findChromium(): string | undefined {
  const { CHROMIUM, PATH = '' } = process.env;
  if (CHROMIUM !== undefined) return CHROMIUM;
  const paths = PATH.split(delimiter).flatMap((folder) => programs.map((program) => join(folder, program)));
  return paths.find((path) => existsSync(path));
}
