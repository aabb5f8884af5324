// Chromium as its users have it, as far as a test can.

/**
 * The browser's own calls to its maker, and what opens windows. It is less than Playwright turns off: here a browser splits
 * storage by site, as all of them do.
 */
const DISABLED = [
  'AimEnabled',
  'AutofillServerCommunication',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
];

export const executablePath = process.env['BUDDY_CHROMIUM'] ?? '/usr/bin/chromium';

/** Chromium takes the last of two flags of one name, and these come after Playwright's own. */
export const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--disable-features=${DISABLED.join()}`,
];

/** A browser that lets no frame of another site keep anything: there even `sessionStorage` throws. */
export const argsWithoutStorage = [...args.slice(0, -1), `${args.at(-1)},ThirdPartyStoragePartitioning`];
