/** What the words of a language are given, and what they make of it. Values are formatted for people already. */
import type { FinalAction } from '../../domain/retry/policy';

export interface PaymentFacts {
  amount: string;
  /** What was sold; null: the payment stands for itself. */
  plan: string | null;
}

export interface EndFacts extends PaymentFacts {
  finalAction: FinalAction;
  finalActionAt: string;
}

export interface FailureFacts extends EndFacts {
  customerMustAct: boolean;
  nextAttemptAt: string | null;
}

export interface EndedFacts extends PaymentFacts {
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
  payment_failed(facts: FailureFacts): Words;
  final_action_ahead(facts: EndFacts): Words;
  payment_recovered(facts: PaymentFacts): Words;
  final_action_taken(facts: EndedFacts): Words;
}
