/** What the words of a language are given, and what they make of it. Values are formatted for people already. */
import type { FinalAction } from '../../domain/retry/policy';

export interface Told {
  amount: string;
  /** What was sold; null: the payment stands for itself. */
  plan: string | null;
}

export interface ToldEnd extends Told {
  finalAction: FinalAction;
  finalActionAt: string;
}

export interface ToldFailure extends ToldEnd {
  customerMustAct: boolean;
  nextAttemptAt: string | null;
}

export interface ToldEnded extends Told {
  finalAction: FinalAction;
}

export interface Words {
  subject: string;
  paragraphs: string[];
}

export interface Texts {
  /** BCP 47, for amounts and dates. */
  locale: string;
  greeting(name: string | null): string;
  payment_failed(told: ToldFailure): Words;
  final_action_ahead(told: ToldEnd): Words;
  payment_recovered(told: Told): Words;
  final_action_taken(told: ToldEnded): Words;
}
