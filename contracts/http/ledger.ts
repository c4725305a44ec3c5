/** The ledger of money as the API shows it: transactions with their entries, and what they add up to. */
import { z } from 'zod';
import { ledgerKinds } from '../../domain/ledger/accounts';
import { subscriptionStatuses } from '../../domain/subscription/subscription';
import { actor, currency, instant, positiveAmount, signedAmount, text } from '../fields';
import { refund } from './refunds';

const source = z.string().meta({
  description:
    'Whose money it is: a payment’s id, `grant/{transaction}`, or `owed` while no payment exists for it.',
});
const minorUnits = z.int().meta({ description: 'Minor units.' });
/** Money in one currency. */
const inCurrency = { currency: z.string(), amount: minorUnits };

export const ledgerEntry = z
  .object({
    account: z.string().meta({ example: 'unearned' }),
    owner: z.enum(['subscription', 'customer']).meta({ description: 'Whose account it is.' }),
    source,
    amount: z.int().meta({ description: 'Minor units: debit positive, credit negative.' }),
  })
  .meta({ id: 'LedgerEntry' });

export const ledgerTransaction = z
  .object({
    id: z.string(),
    kind: z.enum(ledgerKinds),
    customer_id: z.string(),
    subscription_id: z.string().nullable(),
    period_index: z.int().nullable(),
    payment_id: z.string().nullable(),
    refund_id: z.string().nullable(),
    test_clock_id: z.string().nullable(),
    currency: z.string(),
    at: instant.meta({ description: 'When it happened, by the customer’s time.' }),
    recorded_at: instant.meta({ description: 'When it was written, real time.' }),
    actor,
    reason: z.string().nullable(),
    entries: z.array(ledgerEntry).meta({ description: 'They sum to 0.' }),
  })
  .meta({ id: 'LedgerTransaction' });
export type LedgerTransactionView = z.infer<typeof ledgerTransaction>;

export const createCredit = z
  .strictObject({
    amount: signedAmount
      .refine((amount) => amount !== 0, 'must not be 0')
      .meta({ description: 'Minor units; negative takes credit back.' }),
    currency,
    reason: text(500),
  })
  .meta({ id: 'CreateCredit' });
export type CreateCredit = z.infer<typeof createCredit>;

export const creditMade = ledgerTransaction
  .extend({
    credit: z.int().meta({ description: 'The customer’s own credit in this currency now, minor units.' }),
  })
  .meta({ id: 'CreditMade' });
export type CreditMade = z.infer<typeof creditMade>;

export const createPayout = z
  .strictObject({
    currency,
    amount: positiveAmount
      .optional()
      .meta({ description: 'Minor units; left out: all that can be paid out.' }),
    reason: text(500),
  })
  .meta({ id: 'CreatePayout' });
export type CreatePayout = z.infer<typeof createPayout>;

export const payout = z
  .object({
    id: z.string(),
    customer_id: z.string(),
    currency: z.string(),
    amount: minorUnits.meta({ description: 'What goes back in all, minor units.' }),
    credit: minorUnits.meta({
      description: 'The customer’s own credit in this currency now, minor units, grants included.',
    }),
    refunds: z.array(refund).meta({ description: 'One for each payment that funded it.' }),
  })
  .meta({ id: 'Payout' });
export type Payout = z.infer<typeof payout>;

export const customerBalance = z
  .object({
    customer_id: z.string(),
    as_of: instant.meta({ description: 'The customer’s time that `unearned` is reckoned at.' }),
    credit: z
      .array(
        z.object({
          ...inCurrency,
          disputed: minorUnits.meta({
            description:
              'Of the amount: of payments under dispute, or of which all has gone. No charge uses it, and it is not paid out.',
          }),
          sources: z.array(
            z.object({
              source,
              amount: minorUnits,
              disputed: z.boolean().meta({ description: 'Whether it is part of `disputed`.' }),
            }),
          ),
        }),
      )
      .meta({ description: 'The customer’s own credit, which serves each of their subscriptions.' }),
    refunding: z
      .array(z.object({ ...inCurrency, sources: z.array(z.object({ source, amount: minorUnits })) }))
      .meta({
        description:
          'Reserved to go back and not paid yet, of all the customer’s payments: refunds in progress, and failed ones until ' +
          'they are given up. It is no credit any more.',
      }),
    subscriptions: z
      .array(
        z.object({
          subscription_id: z.string(),
          status: z.enum(subscriptionStatuses),
          currency: z.string(),
          receivable: minorUnits.meta({ description: 'Owed for periods and changes.' }),
          unearned: minorUnits.meta({ description: 'Paid or owed for service still to come.' }),
          credit: minorUnits.meta({ description: 'Kept for its later charges.' }),
          credit_disputed: minorUnits.meta({
            description:
              'Of `credit`: of payments under dispute, or of which all has gone. No charge uses it.',
          }),
          credit_held: minorUnits.meta({ description: 'Set aside for a charge that is open.' }),
        }),
      )
      .meta({ description: 'Those that live, and of which the ledger has an opening.' }),
  })
  .meta({ id: 'CustomerBalance' });
export type CustomerBalance = z.infer<typeof customerBalance>;
