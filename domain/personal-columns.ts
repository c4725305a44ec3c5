/** What the list of personal data (`personal-data.ts`) says about a table and its columns. */

/** Whose a row is. `mentioned`: it names no payment, and its text mentions the customer. */
export type Owner =
  | 'self'
  | 'customer'
  | 'subscription'
  | 'payment'
  | 'history'
  | 'subject'
  | 'audited'
  | 'event'
  | 'answer'
  | 'record'
  | 'bulk'
  | 'mentioned';

/**
 * How a column is blanked. `null`, `empty` (`{}`), `erased` (that word); `reason`: that word, unless it is one of
 * the product's own codes; `json`: by the names in it; `event`: the same of a JSON text; `answer`: of a kept answer;
 * `record`, `headers`: of a dead letter.
 */
export type Blank =
  'null' | 'empty' | 'erased' | 'reason' | 'json' | 'event' | 'answer' | 'record' | 'headers';
export type ColumnType = 'text' | 'jsonb' | 'bytea' | 'integer';

export interface PersonalColumn {
  what: string;
  type: ColumnType;
  blank: Blank;
}

/** Why a column is kept. */
export const keptBecause = {
  id: 'names a row, here or at a provider; callers put nothing personal into ids that they choose',
  code: 'one of a few words of ours',
  terms: 'what was sold or charged, and by which calendar',
  ours: 'a text of ours about ids, amounts and instants',
  provider: 'a provider’s code or its text about a decline; adapters let nothing personal into it',
  money: 'amounts, and the payments and grants that they come from',
  actor: 'who did it, by id; its reason is always null here',
  trace: 'ids of calls, as trace contexts carry them',
  hash: 'SHA-256: a repeated request is recognised by it',
} as const;
export type KeptBecause = keyof typeof keptBecause;

export interface PersonalTable {
  /** The owners that are looked through, one after the other. */
  owners: readonly Owner[];
  key: Readonly<Record<string, 'text' | 'bigint' | 'integer'>>;
  personal: Readonly<Record<string, PersonalColumn>>;
  kept: Partial<Record<KeptBecause, readonly string[]>>;
  /** Columns that no export has. */
  hidden?: readonly string[];
}
