/** Routes of payments. */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import { payment } from '../../contracts/http/payments';
import { toPayment } from '../../prisma/rows';
import { notFound } from '../problems';
import { route } from '../route';

export const paymentRoutes = [
  route({
    method: 'get',
    path: '/payments/{payment_id}',
    operationId: 'getPayment',
    tag: 'Payments',
    summary: 'Read a payment with its attempts',
    scope: 'payments:read',
    params: z.object({ payment_id: id }),
    answers: { 200: { description: 'The payment.', schema: payment } },
    problems: ['not_found'],
    async handle({ params }, { db }) {
      const row = await db.payment.findUnique({
        where: { id: params.payment_id },
        include: { attempts: { orderBy: { number: 'asc' } } },
      });
      if (row === null) throw notFound('payment');
      return { status: 200, body: toPayment(row, row.attempts) };
    },
  }),
];
