/**
 * The border is the transaction: inside one there is SQL only, locks stand in one file, and no Prisma model writes a
 * table of money.
 *
 * `still` names the files that do not keep a rule yet; the list may only shrink.
 */
import { readFileSync } from 'node:fs';
import { trackedFiles } from '../../../dev/tools/tracked-files';

const models = [...readFileSync('prisma/schema.prisma', 'utf8').matchAll(/^model (\w)(\w*)/gm)].map(
  ([, first = '', rest = '']) => first.toLowerCase() + rest,
);
const moneyModels = [
  'subscription',
  'subscriptionPeriod',
  'payment',
  'paymentAttempt',
  'refund',
  'dispute',
  'ledgerTransaction',
  'ledgerEntry',
  'customerBalance',
  'change',
  'outboxEvent',
  'webhookDelivery',
];
const writes =
  'create|createMany|createManyAndReturn|update|updateMany|updateManyAndReturn|upsert|delete|deleteMany';

interface Rule {
  name: string;
  /** Where it holds. */
  files: string[];
  /** Whether a source, without its comments, breaks it. */
  isBroken(source: string): boolean;
  /** Files that are allowed to, with the reason. */
  except: Readonly<Record<string, string>>;
  /** Files that break it still. */
  still: readonly string[];
}

/** The names that a source gives to transactions, as their type says. */
function transactionsOf(source: string): string[] {
  const named = [...source.matchAll(/(\w+)\??: (?:Database \| )?Transaction\b/g)].map(
    ([, name = '']) => name,
  );
  return [...new Set(['tx', ...named])];
}

const rules: Rule[] = [
  {
    name: 'no Prisma model is used on a transaction in billing',
    files: ['billing/**/*.ts'],
    isBroken: (source) =>
      new RegExp(`\\b(?:${transactionsOf(source).join('|')})\\s*\\.(?:${models.join('|')})\\b`).test(source),
    except: {},
    still: [],
  },
  {
    name: 'locks are taken in billing/locks.ts only',
    files: ['billing/**/*.ts'],
    isBroken: (source) =>
      /\bFOR\s+(?:NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)\b|\bpg_(?:try_)?advisory/.test(source),
    except: {
      'billing/locks.ts': 'it is that file',
      'billing/outbox.ts': 'the turn of a key is taken by the statement that writes its events',
    },
    still: [],
  },
  {
    name: 'no Prisma model writes a table of money',
    files: ['*.ts', '**/*.ts'],
    isBroken: (source) => new RegExp(`\\.(?:${moneyModels.join('|')})\\s*\\.(?:${writes})\\b`).test(source),
    except: {},
    still: [],
  },
];

const withoutComments = (source: string) => source.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');

describe.each(rules)('$name', ({ files, isBroken, except, still }) => {
  const sources = trackedFiles(...files).filter((file) => !file.startsWith('test/') && !(file in except));

  it('holds everywhere but in the files that are named', () => {
    const broken = sources.filter((file) => isBroken(withoutComments(readFileSync(file, 'utf8'))));
    expect(broken.toSorted()).toEqual([...still].toSorted());
  });
});

it.each<[string, string, boolean]>([
  [rules[0]!.name, 'await tx.payment.findUnique({})', true],
  [rules[0]!.name, 'function f(on: Database | Transaction) { return on\n.testClock.count(); }', true],
  [rules[0]!.name, 'await db.payment.findUnique({})', false],
  [rules[1]!.name, 'SELECT 1 FROM plans WHERE id = 1 FOR UPDATE', true],
  [rules[1]!.name, 'SELECT pg_advisory_xact_lock(1)', true],
  [rules[1]!.name, 'UPDATE plans SET active = false', false],
  [rules[2]!.name, 'await db.refund\n  .updateMany({})', true],
  [rules[2]!.name, 'await db.refund.findMany({})', false],
])('%s: %s', (name, source, isBroken) => {
  expect(rules.find((rule) => rule.name === name)?.isBroken(source)).toBe(isBroken);
});
