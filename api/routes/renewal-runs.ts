/** Routes of renewal runs. */
import { z } from 'zod';
import { listRuns, readRun } from '../../billing/renewal/runs';
import { id } from '../../contracts/fields';
import { listOf } from '../../contracts/http/lists';
import { listRenewalRuns, renewalRun } from '../../contracts/http/renewal-runs';
import { pageBody, readPage } from '../http/cursors';
import { route } from '../http/route';

const tag = 'Operations';
const list = 'renewal-runs';

export const renewalRunRoutes = [
  route({
    method: 'get',
    path: '/renewal-runs',
    operationId: 'listRenewalRuns',
    tag,
    summary: 'List renewal runs, newest first',
    description:
      'A renewal run renews up to 200 subscriptions that are due at about the same time. Its workflow is `renewal-run/{id}`.',
    scope: 'operator',
    query: listRenewalRuns,
    answers: { 200: { description: 'A page.', schema: listOf(renewalRun) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const page = await listRuns(db, query.status, readPage(list, query));
      return { status: 200, body: pageBody(list, page) };
    },
  }),
  route({
    method: 'get',
    path: '/renewal-runs/{renewal_run_id}',
    operationId: 'getRenewalRun',
    tag,
    summary: 'Read a renewal run: how far it is, and what did not go through',
    scope: 'operator',
    params: z.object({ renewal_run_id: id }),
    answers: { 200: { description: 'The renewal run.', schema: renewalRun } },
    problems: ['not_found'],
    async handle({ params }, { db }) {
      return { status: 200, body: await readRun(db, params.renewal_run_id) };
    },
  }),
];
