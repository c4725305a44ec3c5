/** An amount on an account of the ledger, minor units: debit +, credit -. */
export interface Entry {
  account: string;
  source: string;
  amount: number;
  /** Left out: the subscription's account. */
  owner?: 'customer';
}
