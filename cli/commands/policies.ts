/** `perennial policies`: the rules by which failed payments are retried. */
import {
  idOf,
  queryOf,
  reasonOption,
  required,
  type CommandGroup,
  type CommandOption,
  type Outcome,
} from '../command';
import { declineCategories, declineCodes } from '../../domain/payment/payment';
import { readPolicyFile } from '../files';
import { sheet, table, type Row } from '../output';
import { line } from '../terminal-text';
import { requestPage, listed, pageOptions } from '../pages';

const columns = ['id', 'version', 'grace_days', 'final_action', 'created_at'];
const reasonsOfFailure = [...new Set([...declineCodes, ...declineCategories])];
const previewOptions: readonly CommandOption[] = [
  { name: 'category', value: 'C', text: 'why it fails', isRequired: true, choices: reasonsOfFailure },
  { name: 'failed-at', value: 'T', text: 'now when left out' },
  { name: 'time-zone', value: 'Z', text: 'the customer’s' },
  { name: 'network', value: 'N', text: 'the card’s, such as visa' },
];

/** The policy a field a line, and what it may not mean to say. */
function shown(answer: Row): Outcome {
  const { warnings, ...policy } = answer;
  const lines = (warnings as { path: string; message: string }[]).map(
    ({ path, message }) => line`warning: ${path} ${message}`,
  );
  return { answer, text: [sheet(policy), ...lines].join('\n') };
}

export const policyCommands: CommandGroup = {
  'policies list': {
    text: 'every policy in its current version',
    options: pageOptions,
    run: async (context) => listed(await requestPage(context, '/retry-policies'), columns),
  },
  'policies show': {
    argument: 'ID',
    text: 'one, in its current version or in another',
    options: [{ name: 'version', value: 'N', text: 'that version' }],
    run: async (context) =>
      shown(await context.call('GET', `/retry-policies/${idOf(context)}${queryOf(context, 'version')}`)),
  },
  'policies history': {
    argument: 'ID',
    text: 'its versions, newest first',
    options: pageOptions,
    run: async (context) =>
      listed(await requestPage(context, `/retry-policies/${idOf(context)}/versions`), columns),
  },
  'policies put': {
    argument: 'ID',
    text: 'make a new version, of version N only',
    options: [
      { name: 'file', value: 'FILE', text: 'the policy as JSON', isRequired: true, isFile: true },
      { name: 'if-version', value: 'N', text: 'refused when another version is current' },
      { ...reasonOption('kept with the version'), isRequired: false },
    ],
    async run(context) {
      const id = idOf(context);
      const document = readPolicyFile(required(context, 'file', 'it has the policy as JSON'));
      const seen = context.flags['if-version'];
      const headers: Record<string, string> = seen === undefined ? {} : { 'If-Match': `"${seen}"` };
      return shown(
        await context.call('PUT', `/retry-policies/${id}${queryOf(context, 'reason')}`, document, headers),
      );
    },
  },
  'policies preview': {
    argument: 'ID',
    text: 'every date of a failed payment',
    options: previewOptions,
    async run(context) {
      const { flags } = context;
      const body = {
        category: required(context, 'category', 'it says why the payment fails'),
        failed_at: flags['failed-at'],
        time_zone: flags['time-zone'],
        network: flags['network'],
      };
      const answer = await context.call('POST', `/retry-policies/${idOf(context)}/preview`, body);
      return { answer, text: table(answer['entries'] as Row[], ['local', 'kind', 'reason'], 200) };
    },
  },
};
