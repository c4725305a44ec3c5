/** Routes of notifications. */
import * as sent from '../../billing/notification/sent';
import { listOf } from '../../contracts/http/lists';
import { listNotifications, notification } from '../../contracts/http/notifications';
import { pageBody, readPage } from '../http/cursors';
import { route } from '../http/route';

const list = 'notifications';

export const notificationRoutes = [
  route({
    method: 'get',
    path: '/notifications',
    operationId: 'listNotifications',
    tag: 'Notifications',
    summary: 'List notifications to customers, newest first',
    description: 'Neither the text of a notification nor the address that it went to is kept.',
    scope: 'operator',
    query: listNotifications,
    answers: { 200: { description: 'A page.', schema: listOf(notification) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const page = await sent.listNotifications(db, query, readPage(list, query));
      return { status: 200, body: pageBody(list, page) };
    },
  }),
];
