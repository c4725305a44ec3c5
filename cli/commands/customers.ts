/** `perennial customers`: what is kept about one, and its erasure. */
import { setTimeout as pause } from 'node:timers/promises';
import { idOf, type CommandGroup, type Context, type Outcome } from '../command';
import type { Row } from '../output';
import { line } from '../terminal-text';

/** Follows every page. */
async function exportOf(context: Context): Promise<Outcome> {
  const customerId = idOf(context);
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`;
    const page: Row = await context.call('GET', `/customers/${customerId}/export?limit=100${query}`);
    rows.push(...(page['data'] as Row[]));
    cursor = page['next_cursor'] as string | null;
  } while (cursor !== null);
  const answer = { customer_id: customerId, data: rows };
  return { answer, text: JSON.stringify(answer, null, 2) };
}

const betweenLooksMs = 1_000;

/** Waits until nothing is left to erase. */
async function erase(context: Context): Promise<Outcome> {
  const customerId = idOf(context);
  const customer = await context.call('POST', `/customers/${customerId}/erase`);
  let erasure = customer['erasure'] as Row;
  while (erasure['status'] === 'running') {
    await pause(betweenLooksMs);
    erasure = await context.call('GET', `/customers/${customerId}/erasure`);
  }
  const { rows } = erasure;
  return {
    answer: { ...customer, erasure },
    text: line`${customerId} is erased: ${String(rows)} rows were changed.`,
  };
}

export const customerCommands: CommandGroup = {
  'customers export': { argument: 'ID', text: 'all that is kept about one, as JSON', run: exportOf },
  'customers erase': {
    argument: 'ID',
    text: 'remove what is personal, for ever; amounts, dates and ids stay',
    run: erase,
  },
};
