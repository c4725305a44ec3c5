/** `perennial test-clocks`: making time pass for customers that live by a clock of their own. */
import {
  idOf,
  instantIn,
  Refused,
  required,
  type CommandGroup,
  type Context,
  type Outcome,
} from '../command';
import { sheet, type Row } from '../output';
import { requestPage, listed, pageOptions } from '../pages';
import { line } from '../terminal-text';
import { progressOn, type Watching } from '../progress';

const pollEveryMs = 500;
const columns = ['id', 'status', 'now', 'target', 'steps', 'detail'];

const shown = (answer: Row): Outcome => ({ answer, text: sheet(answer) });
const pathOf = (context: Context): string => `/test-clocks/${idOf(context)}`;

/** The option's instant. @throws UsageError when it is missing or malformed */
function requiredInstant(context: Context, name: string, why: string): string {
  required(context, name, why);
  return instantIn(context, name) ?? '';
}

/** Looks again and again until the clock rests. @throws Refused when it could not get there */
async function untilReady(context: Context, first: Row, { screen, pause }: Watching): Promise<Outcome> {
  const progress = progressOn(screen);
  const fromMs = Date.parse(String(first['now']));
  let clock = first;
  for (;;) {
    const nowMs = Date.parse(String(clock['now']));
    const targetMs = Date.parse(String(clock['target'] ?? clock['now']));
    const detail = clock['detail'] as string | null;
    const waits = detail === null ? '' : `; ${detail}`;
    const text = `${String(clock['now'])}, ${String(clock['steps'])} steps${waits}`;
    progress.show({ done: nowMs - fromMs, total: targetMs - fromMs, text });
    if (clock['status'] !== 'advancing') break;
    await pause(pollEveryMs);
    clock = await context.call('GET', pathOf(context));
  }
  progress.end();
  if (clock['status'] === 'failed') throw new Refused(line`The clock stopped: ${clock['detail']}`);
  return shown(clock);
}

export function testClockCommands(watching: Watching): CommandGroup {
  return {
    'test-clocks list': {
      text: 'test clocks, newest first',
      options: pageOptions,
      run: async (context) => listed(await requestPage(context, '/test-clocks'), columns),
    },
    'test-clocks create': {
      text: 'make one; customers that are created with its id live by it',
      options: [{ name: 'now', value: 'T', text: 'what time it is for its customers', isRequired: true }],
      async run(context) {
        const now = requiredInstant(context, 'now', 'it is what time it is for its customers');
        return shown(await context.call('POST', '/test-clocks', { now }));
      },
    },
    'test-clocks show': {
      argument: 'ID',
      text: 'one, and how far it is',
      run: async (context) => shown(await context.call('GET', pathOf(context))),
    },
    'test-clocks advance': {
      argument: 'ID',
      text: 'move it, and wait until everything that is due then has happened',
      options: [{ name: 'to', value: 'T', text: 'where it goes', isRequired: true }],
      async run(context) {
        const to = requiredInstant(context, 'to', 'it is where the clock goes');
        const first = await context.call('POST', `${pathOf(context)}/advance`, { to });
        return untilReady(context, first, watching);
      },
    },
    'test-clocks delete': {
      argument: 'ID',
      text: 'delete it; what lives by it is cancelled',
      run: async (context) => shown(await context.call('DELETE', pathOf(context))),
    },
  };
}
