/** `perennial scheduler` and `perennial reconcile`: the jobs that exist once for all. */
import { reasonOption, required, type CommandGroup, type Context, type Outcome } from '../command';
import { sheet, table, type Row } from '../output';

const shown = (answer: Row): Outcome => ({ answer, text: sheet(answer) });

async function decide(context: Context, decision: 'pause' | 'resume'): Promise<Outcome> {
  const reason = required(context, 'reason', 'it is kept with the decision');
  return shown(await context.call('POST', `/renewal-scheduler/${decision}`, { reason }));
}

export const schedulerCommands: CommandGroup = {
  'scheduler show': {
    text: 'what is due, and whether the scheduler is paused',
    run: async (context) => shown(await context.call('GET', '/renewal-scheduler')),
  },
  'scheduler pause': {
    text: 'announce no renewal until it is resumed',
    options: [reasonOption()],
    run: (context) => decide(context, 'pause'),
  },
  'scheduler resume': {
    text: 'announce renewals again',
    options: [reasonOption()],
    run: (context) => decide(context, 'resume'),
  },
  reconcile: {
    usage: '--dry-run | --reason TEXT',
    text: 'find stuck work and resume it',
    options: [
      { name: 'dry-run', text: 'only look' },
      { ...reasonOption(), isRequired: false },
    ],
    async run(context) {
      if (!context.isOn('dry-run')) {
        const reason = required(context, 'reason', 'it is kept with the decision; --dry-run only looks');
        return shown(await context.call('POST', '/reconciliation', { reason }));
      }
      const answer = await context.call('GET', '/reconciliation');
      const rows = (answer['data'] as { predicate: string; count: number; subjects: { id: string }[] }[]).map(
        ({ predicate, count, subjects }) => ({
          predicate,
          count,
          first: subjects.map(({ id }) => id).join(' '),
        }),
      );
      const text = rows.length === 0 ? 'All is quiet.' : table(rows, ['predicate', 'count', 'first']);
      return { answer, text };
    },
  },
};
