/** The page of what waits, from `domain/open-states.ts`. */
import type { OpenState } from '../../domain/open-state';
import { openStates } from '../../domain/open-states';

export function openStatesPage(): string {
  const code = (name: string) => `\`${name}\``;
  const row = ({ entity, states, endsBy, looksNext, foundAs, asks }: OpenState) => {
    const task = asks === null ? '–' : `${code(asks.task)}, ${asks.after}`;
    const found = foundAs.length === 0 ? '–' : foundAs.map(code).join(', ');
    return `| ${entity} | ${states.join(', ')} | ${endsBy} | ${looksNext} | ${found} | ${task} |`;
  };
  return [
    '# What waits',
    '',
    'Every state in which something waits: what ends it, who looks next and when, by what the reconciliation finds it each minute when nobody did, and when an [operator is asked](operations.md#when-something-is-stuck).',
    '',
    'This page is generated from `domain/open-states.ts` by `npm run docs`.',
    '',
    '| Of | State | Ends by | Looks next | Found as | Operator task |',
    '| --- | --- | --- | --- | --- | --- |',
    ...openStates.map(row),
    '',
  ].join('\n');
}
