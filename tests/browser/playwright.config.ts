import { defineConfig } from '@playwright/test';
import { args, executablePath } from './harness/browser.ts';

export default defineConfig({
  testDir: 'tests',
  outputDir: 'artefacts/failed',
  workers: 2,
  fullyParallel: true,
  retries: 0,
  forbidOnly: true,
  reporter: 'line',
  // For a busy machine of two cores; no test takes a fifth of it by itself.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 900 },
    screenshot: 'only-on-failure',
    launchOptions: { executablePath, args },
  },
});
