/** The import table of docs/architecture.md, for the tests of the checker and of the document. */

/** What each folder may import besides itself: folders, and single files. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  contracts: ['domain'],
  prisma: [],
  temporal: ['contracts'],
  providers: ['domain', 'contracts'],
  access: ['contracts', 'prisma'],
  billing: ['domain', 'contracts', 'prisma', 'access', 'providers/port.ts'],
  activities: ['billing', 'contracts', 'domain', 'temporal', 'prisma/client.ts'],
  workflows: ['domain', 'contracts', 'activities'],
  bridge: ['billing', 'contracts', 'domain', 'temporal', 'prisma'],
  api: ['billing', 'access', 'contracts', 'domain', 'temporal', 'prisma/client.ts'],
  cli: ['contracts', 'domain', 'config.ts'],
};

/** The rooms of billing, lowest first; rooms of one step do not import each other. */
export const billingSteps: readonly (readonly string[])[] = [
  ['notification'],
  ['ledger'],
  ['payment'],
  ['subscription', 'retry', 'webhook', 'operator', 'customer', 'catalog'],
  ['renewal'],
  ['reconcile'],
  ['test-clock'],
  ['report', 'timeline'],
];
