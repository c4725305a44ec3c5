/** Rows of the ledger and of what stands beside it: disputes, and the credit of customers. As `rows.ts` has the others. */
import type { Actor } from '../contracts/fields';
import { ledgerKinds, type LedgerKind } from '../domain/ledger/accounts';
import type { DisputeStatus } from '../domain/ledger/dispute';
import type { Taken } from '../domain/ledger/refund';
import type { CustomerFund } from '../domain/ledger/credit';
import { columnsOf } from '../prisma/columns';
import { Prisma } from '../prisma/generated/client';
import { rowsOf, type Stored, type Typed } from './row-types';

interface DisputeColumns {
  status: DisputeStatus;
  taken: Stored<Taken> | null;
}
export type DisputeRow = Typed<Prisma.DisputeGetPayload<object>, DisputeColumns>;
export const disputeColumns = columnsOf(Prisma.DisputeScalarFieldEnum);

interface BalanceColumns {
  funds: Stored<CustomerFund>[];
}
export type CustomerBalanceRow = Typed<Prisma.CustomerBalanceGetPayload<object>, BalanceColumns>;
export const customerBalanceColumns = columnsOf(Prisma.CustomerBalanceScalarFieldEnum);

interface TransactionColumns {
  kind: LedgerKind;
  actor: Stored<Actor>;
}
export type LedgerTransactionRow = Typed<Prisma.LedgerTransactionGetPayload<object>, TransactionColumns>;
export const ledgerTransactionRow = rowsOf<TransactionColumns>('ledger_transactions', { kind: ledgerKinds });
export type LedgerEntryRow = Prisma.LedgerEntryGetPayload<object>;
