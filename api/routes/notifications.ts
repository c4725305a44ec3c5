/**
 * Routes of notifications.
 *
 * Owns: showing what customers were told. Does not own telling them (group notification-service).
 */
import { listNotifications, notification, type Notification } from '../../contracts/http/notifications';
import { listOf } from '../../contracts/http/lists';
import type { Prisma } from '../../prisma/generated/client';
import { instantOrNull } from '../../billing/rows';
import { pageArguments, pageOf } from '../http/cursors';
import { route } from '../http/route';

const list = 'notifications';

function toNotification(row: Prisma.NotificationGetPayload<object>): Notification {
  return notification.parse({
    ...row,
    requested_at: row.requested_at.toISOString(),
    sent_at: instantOrNull(row.sent_at),
  });
}

export const notificationRoutes = [
  route({
    method: 'get',
    path: '/notifications',
    operationId: 'listNotifications',
    tag: 'Notifications',
    summary: 'List what customers were told, newest first',
    description: 'Neither what a notification said nor the address that it went to is kept.',
    scope: 'operator',
    query: listNotifications,
    answers: { 200: { description: 'A page.', schema: listOf(notification) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const { after, ...page } = pageArguments(list, query);
      const { customer_id, subscription_id, status } = query;
      const rows = await db.notification.findMany({
        where: { customer_id, subscription_id, status, ...after },
        ...page,
      });
      return { status: 200, body: pageOf(list, query, rows, toNotification) };
    },
  }),
];
