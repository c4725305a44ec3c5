/** Simulated payments as figures: recovery, attempts and days to the money, for each reason and for all. Pure. */
import { declineCodes } from '../payment/payment';
import type { SimulatedPayment } from './simulation';

export interface RecoveryFigures {
  /** The code of the first failure, or `all`. */
  category: string;
  payments: number;
  recovered: number;
  /** Percent of the payments, one decimal. */
  recovered_percent: number;
  attempts: number;
  /** One decimal more than whole attempts, of the payments. */
  attempts_per_payment: number;
  /** Of what was recovered, one decimal; null: nothing was. */
  median_days_to_recover: number | null;
  mean_days_to_recover: number | null;
}

/** A row for each reason that occurs, in the order of the decline table, and one for all. */
export function recoveryFigures(results: readonly SimulatedPayment[]): RecoveryFigures[] {
  const byCode = declineCodes
    .map((code) => ({ code, some: results.filter((result) => result.code === code) }))
    .filter(({ some }) => some.length > 0);
  return [...byCode.map(({ code, some }) => figuresOf(code, some)), figuresOf('all', results)];
}

function figuresOf(category: string, results: readonly SimulatedPayment[]): RecoveryFigures {
  const days = results
    .flatMap(({ recovered_after_days }) => recovered_after_days ?? [])
    .sort((a, b) => a - b);
  const attempts = sum(results.map((result) => result.attempts));
  const payments = results.length;
  return {
    category,
    payments,
    recovered: days.length,
    recovered_percent: payments === 0 ? 0 : oneDecimal((100 * days.length) / payments),
    attempts,
    attempts_per_payment: payments === 0 ? 0 : oneDecimal(attempts / payments),
    median_days_to_recover: days.length === 0 ? null : oneDecimal(median(days)),
    mean_days_to_recover: days.length === 0 ? null : oneDecimal(sum(days) / days.length),
  };
}

/** @param sorted at least one number */
function median(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1] ?? 0, sorted[Math.floor(middle)] ?? 0];
  return (low + high) / 2;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const oneDecimal = (number: number): number => Math.round(number * 10) / 10;
