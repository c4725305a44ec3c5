/** `perennial simulate`: what a policy, or two, would have made of payments that failed. Asks no API. */
import { readFailureHistory } from '../failure-history';
import { recoveryFigures, type RecoveryFigures } from '../../domain/retry/report';
import { assumptions, simulate, type PastPayment } from '../../domain/retry/simulation';
import { seededRandom, syntheticFailures } from '../synthetic-failures';
import { Refused, required, UsageError, wholeNumber, type CommandGroup, type Context } from '../command';
import { readPolicy, readText } from '../files';
import { table, type Row } from '../output';
import { line } from '../terminal-text';

const mostSynthetic = 100_000;
const mostMistakes = 20;

interface History {
  payments: PastPayment[];
  /** Said with the result. */
  source: string;
  invented: boolean;
}

function historyOf(context: Context): History {
  const { history, synthetic } = context.flags;
  if ((history === undefined) === (synthetic === undefined)) {
    throw new UsageError('either --history or --synthetic is needed');
  }
  if (history !== undefined) {
    return { payments: readHistory(history), source: history, invented: false };
  }
  const count = wholeNumber(context, 'synthetic', 1, mostSynthetic) ?? 0;
  const seed = wholeNumber(context, 'seed', 0, 2 ** 32 - 1) ?? 1;
  const random = seededRandom(seed);
  const source = `${count} invented payments, seed ${seed}`;
  return { payments: syntheticFailures(count, random), source, invented: true };
}

function readHistory(path: string): PastPayment[] {
  const { payments, mistakes } = readFailureHistory(readText(path));
  if (mistakes.length === 0) return payments;
  const lines = mistakes
    .slice(0, mostMistakes)
    .map(({ line: number, message }) => line`  line ${number}: ${message}`);
  const more = mistakes.length - lines.length;
  const rest = more > 0 ? [`  and ${more} more`] : [];
  throw new Refused([line`${path} is not an acceptable history:`, ...lines, ...rest].join('\n'));
}

/** Figures of every policy beside each other, a category a line. */
function sideBySide(policies: readonly { name: string; figures: RecoveryFigures[] }[]): string {
  const marks = policies.length === 1 ? [''] : policies.map((_, at) => ` ${at + 1}`);
  const parts = {
    recovered: (row: RecoveryFigures) => row.recovered,
    '%': (row: RecoveryFigures) => row.recovered_percent.toFixed(1),
    attempts: (row: RecoveryFigures) => row.attempts,
    'per payment': (row: RecoveryFigures) => row.attempts_per_payment.toFixed(1),
    'median days': (row: RecoveryFigures) => row.median_days_to_recover?.toFixed(1) ?? null,
    'mean days': (row: RecoveryFigures) => row.mean_days_to_recover?.toFixed(1) ?? null,
  };
  const columns = Object.keys(parts).flatMap((name) => marks.map((mark) => `${name}${mark}`));
  const rows = (policies[0]?.figures ?? []).map((first, at) => {
    const row: Row = { category: first.category, payments: first.payments };
    for (const [name, part] of Object.entries(parts)) {
      policies.forEach(({ figures }, policy) => {
        row[`${name}${marks[policy]}`] = part(figures[at] ?? first);
      });
    }
    return row;
  });
  return table(rows, ['category', 'payments', ...columns]);
}

async function run(context: Context): Promise<{ answer: Row; text: string }> {
  const paths = [required(context, 'policy', 'it names a file'), context.flags['compare']];
  const named = paths.flatMap((path) =>
    path === undefined ? [] : [{ name: path, policy: readPolicy(path) }],
  );
  const { payments, source, invented } = historyOf(context);
  const policies = named.map(({ name, policy }) => ({
    name,
    figures: recoveryFigures(simulate(policy, payments)),
  }));
  const assumed = [
    ...(invented
      ? ['The history is invented: it compares policies, and shows nothing about any business.']
      : []),
    ...assumptions,
  ];
  const answer = { source, payments: payments.length, policies, assumptions: assumed };
  const legend = policies.length === 1 ? [] : policies.map(({ name }, at) => line`${at + 1}: ${name}`);
  const notes = assumed.map((assumption) => `- ${assumption}`);
  const text = [line`History: ${source}`, ...legend, '', sideBySide(policies), '', 'Assumed:', ...notes];
  return Promise.resolve({ answer, text: text.join('\n') });
}

export const simulateCommands: CommandGroup = {
  simulate: {
    usage: '--policy FILE [--compare FILE] --history FILE.csv | --synthetic N [--seed S]',
    text: 'play policies over payments that failed',
    options: [
      { name: 'policy', value: 'FILE', text: 'the policy as JSON', isRequired: true, isFile: true },
      { name: 'compare', value: 'FILE', text: 'another policy, shown beside it', isFile: true },
      { name: 'history', value: 'FILE.csv', text: 'past attempts', isFile: true },
      { name: 'synthetic', value: 'N', text: 'invent so many payments instead' },
      { name: 'seed', value: 'S', text: 'the same one invents the same payments; 1 when left out' },
    ],
    run,
  },
};
