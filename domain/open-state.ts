/** A state in which something waits, as `open-states.ts` lists them. */
import type { OperatorTaskKind } from './payment/operator-task';
import type { Predicate } from './stuck-work';

export interface OpenState {
  entity: string;
  /** As its column has it, or with what tells it apart from the other rows of that status. */
  states: readonly string[];
  endsBy: string;
  looksNext: string;
  /** By what the reconciliation finds it, each minute. */
  foundAs: readonly Predicate[];
  /** The operator task that is raised when it lasts, and after how long; null: it may last, see `endsBy`. */
  asks: { task: OperatorTaskKind; after: string } | null;
}
