/**
 * The import rules of docs/architecture.md, each proved by an import that it refuses and by those that it lets pass.
 *
 * One run of dependency-cruiser over a tree with one file for each import.
 */
import { cruise, isFile, ruleNames, type Import } from './cruise';
import { billingSteps, mayImport } from './table';

interface Case extends Import {
  /** The rules that refuse it; none: it is allowed. */
  rules: readonly string[];
}

const folders = [...Object.keys(mayImport), 'bin', 'dev'];
const rooms = billingSteps.flat();
const stepOf = (room: string): number => billingSteps.findIndex((step) => step.includes(room));

function folderCases(): Case[] {
  return Object.entries(mayImport).flatMap(([folder, allowed]) =>
    folders.map((other): Case => {
      const rules: string[] = [];
      if (other !== folder && !allowed.includes(other)) rules.push(`${folder}-imports`);
      if (other === 'bin' || other === 'dev') rules.push('bin-and-dev-are-imported-by-nothing');
      return { from: `${folder}/imports-${other}.ts`, to: `${other}/leaf.ts`, rules };
    }),
  );
}

function roomCases(): Case[] {
  return rooms.flatMap((room) => [
    { from: `billing/${room}/imports-kernel.ts`, to: 'billing/leaf.ts', rules: [] },
    ...rooms.map((other): Case => {
      const isAllowed = other === room || stepOf(other) < stepOf(room);
      const rules = isAllowed ? [] : [`billing-${room}-imports`];
      return { from: `billing/${room}/imports-${other}.ts`, to: `billing/${other}/leaf.ts`, rules };
    }),
  ]);
}

const allowed = (from: string, to: string): Case => ({ from, to, rules: [] });
const refused = (from: string, to: string, ...rules: string[]): Case => ({ from, to, rules });

/** Single files that a folder may import. */
const fileCases = Object.entries(mayImport).flatMap(([folder, names]) =>
  names.filter(isFile).map((file) => allowed(`${folder}/imports-file.ts`, file)),
);

const others: Case[] = [
  // A cycle is reported once, at the file from which it is met first.
  refused('domain/cycle-a.ts', 'domain/cycle-b.ts', 'no-cycles'),
  allowed('domain/cycle-b.ts', 'domain/cycle-a.ts'),
  refused('domain/settings.ts', 'config.ts', 'domain-imports'),
  refused('billing/settings.ts', 'config.ts', 'billing-imports'),
  allowed('bin/settings.ts', 'config.ts'),

  refused('billing/adapter.ts', 'providers/stripe/adapter.ts', 'billing-imports'),
  refused('activities/statement.ts', 'prisma/sql.ts', 'activities-imports'),
  refused('api/statement.ts', 'prisma/sql.ts', 'api-imports'),
  refused('billing/above.ts', 'billing/payment/leaf.ts', 'billing-kernel-imports'),

  ...folders.map((folder) => allowed(`bin/imports-${folder}.ts`, `${folder}/leaf.ts`)),
  ...folders.map((folder) => allowed(`dev/tools/imports-${folder}.ts`, `${folder}/leaf.ts`)),
  ...['contracts', 'domain', 'cli', 'dev'].map((folder) =>
    allowed(`dev/demo/imports-${folder}.ts`, `${folder}/leaf.ts`),
  ),
  ...folders
    .filter((folder) => !['contracts', 'domain', 'cli', 'dev'].includes(folder))
    .map((folder) => refused(`dev/demo/imports-${folder}.ts`, `${folder}/leaf.ts`, 'demo-is-a-caller')),

  ...['calendar', 'ids', 'money'].map((name) =>
    refused(`workflows/computes-${name}.ts`, `domain/${name}.ts`, 'workflows-compute-no-dates'),
  ),
  allowed('workflows/decides.ts', 'domain/payment/unknown-outcome.ts'),
  refused('workflows/reads-files.ts', 'node:fs', 'workflows-are-deterministic'),
  allowed('activities/reads-files.ts', 'node:fs'),
  refused('workflows/parses.ts', 'zod', 'workflows-know-temporal-only'),
  allowed('workflows/waits.ts', '@temporalio/workflow'),
  allowed('workflows/fails.ts', '@temporalio/common'),

  ...['billing', 'access', 'domain', 'contracts', 'prisma'].map((folder) =>
    refused(`${folder}/knows-temporal.ts`, '@temporalio/common', 'billing-knows-no-transport'),
  ),
  refused('billing/serves.ts', 'express', 'billing-knows-no-transport', 'express-in-api-only'),
  refused('billing/consumes.ts', 'kafkajs', 'billing-knows-no-transport', 'kafkajs-behind-its-port'),
  allowed('activities/knows-temporal.ts', '@temporalio/common'),

  refused('bridge/relay/consumes.ts', 'kafkajs', 'kafkajs-behind-its-port'),
  allowed('bridge/kafka/kafkajs-consumer.ts', 'kafkajs'),
  refused('api/routes/serves.ts', 'express', 'express-in-api-only'),
  refused('api/routes/protects.ts', 'helmet', 'express-in-api-only'),
  allowed('api/http/serves.ts', 'express'),
  allowed('providers/sandbox/serves.ts', 'express'),
  refused('bridge/calls-temporal.ts', '@temporalio/client', 'temporal-client-in-temporal-only'),
  refused('activities/calls-temporal.ts', '@temporalio/client', 'temporal-client-in-temporal-only'),
  allowed('temporal/calls-temporal.ts', '@temporalio/client'),
  refused(
    'temporal/reaches-inside.ts',
    'node_modules/@temporalio/common/lib/internal.ts',
    'no-internals-of-the-temporal-sdk',
  ),

  refused('bin/lost.ts', './nowhere', 'nothing-unresolved'),
];

const cases: readonly Case[] = [...folderCases(), ...fileCases, ...roomCases(), ...others];
let found: Map<string, Set<string>>;

beforeAll(async () => {
  found = await cruise(cases);
}, 60_000);

const rulesOf = (file: string): string[] => [...(found.get(file) ?? [])].toSorted();

describe('the import rules', () => {
  it('name each file of the tree once', () => {
    expect(new Set(cases.map(({ from }) => from)).size).toBe(cases.length);
  });

  it.each(ruleNames)('%s refuses what it forbids', (rule) => {
    const refusedHere = cases.filter(({ rules }) => rules.includes(rule));
    expect(refusedHere.length).toBeGreaterThan(0);
    for (const { from } of refusedHere) expect(rulesOf(from)).toContain(rule);
  });

  it('refuse exactly what the table forbids', () => {
    const actual = cases.map(({ from, to }) => ({ from, to, rules: rulesOf(from) }));
    expect(actual).toEqual(cases.map(({ from, to, rules }) => ({ from, to, rules: [...rules].toSorted() })));
  });

  it('are all named by a case of this file', () => {
    const named = new Set(cases.flatMap(({ rules }) => rules));
    expect([...named].toSorted()).toEqual(ruleNames.toSorted());
  });
});
