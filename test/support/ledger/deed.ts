/**
 * What an operation of a life does, as seen from outside: what a caller asks for, what falls due, what a provider or a
 * bank reports. Played again on real rows (`test/support/lives`), it has to come to the same. Ids are the life's own.
 */
import type { RefundMode } from '../../../domain/subscription/commands';
import type { How } from './changes';

interface OfSub {
  sub: string;
}

/** A deed that may create a payment; null: nothing is charged. */
interface Charging extends OfSub {
  payment: string | null;
}

export type Deed =
  | ({ do: 'create'; price: number; days: number; trialDays: number } & Charging)
  | ({ do: 'renew' | 'resume' } & Charging)
  | ({ do: 'earn' | 'pause' | 'keep' | 'take back' | 'end as scheduled' | 'write off' | 'expire' } & OfSub)
  | ({ do: 'change'; price: number; days: number; how: How; races?: boolean } & Charging)
  | ({ do: 'cancel' | 'schedule the end'; refund: RefundMode } & OfSub)
  /** `charged`: nobody applies it yet. */
  | { do: 'charged' | 'charged and applied' | 'declined'; payment: string }
  | ({ do: 'apply'; payments: string[] } & OfSub)
  | { do: 'refund' | 'refund at provider'; payment: string; amount: number }
  | { do: 'refund paid' | 'refund fails' | 'refund given up'; refund: string }
  | { do: 'dispute opens'; dispute: string; payment: string; amount: number }
  | { do: 'dispute won' | 'dispute lost'; dispute: string }
  | { do: 'credit'; id: string; amount: number }
  /** What is paid out in all. */
  | { do: 'pay out'; amount: number }
  | { do: 'charge apart'; payment: string; amount: number };
