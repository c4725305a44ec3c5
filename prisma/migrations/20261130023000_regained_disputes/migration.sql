-- A loss that the bank takes back does not come back where a refund of the provider has taken its place meanwhile: that is
-- an allowance no more.
CREATE OR REPLACE FUNCTION "ledger_entries_prove"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  entries record;
BEGIN
  FOR entries IN
    SELECT "transaction_id", sum("amount") AS total,
      array_agg(DISTINCT "kind") AS kinds, array_agg(DISTINCT "currency") AS currencies,
      array_agg(DISTINCT "customer_id") AS customers, array_remove(array_agg(DISTINCT "subscription_id"), NULL) AS subscriptions,
      -- The table of domain/ledger/accounts.ts.
      bool_and("kind" || '/' || split_part("account", '/', 1) = ANY ('{
    period_opened/receivable, period_opened/unearned, period_opened/earned, period_opened/credit,
    period_opened/credit_held, period_opened/forfeited, period_opened/unapplied,
    period_ended/unearned, period_ended/earned, period_ended/receivable, period_ended/forfeited,
    payment_collected/cash, payment_collected/unapplied, payment_collected/earned,
    payment_collected/receivable, payment_collected/unearned, payment_collected/credit,
    payment_collected/written_off,
    payment_applied/unapplied, payment_applied/receivable, payment_applied/unearned, payment_applied/earned,
    payment_applied/credit, payment_applied/written_off, payment_applied/refunding,
    payment_applied/credit_held,
    change_applied/unearned, change_applied/earned, change_applied/receivable, change_applied/credit,
    change_applied/credit_held, change_applied/unapplied,
    credit_held/credit, credit_held/credit_held,
    credit_released/credit, credit_released/credit_held,
    subscription_ended/unearned, subscription_ended/earned, subscription_ended/forfeited,
    subscription_ended/receivable, subscription_ended/written_off, subscription_ended/credit,
    subscription_ended/credit_held, subscription_ended/refunding, subscription_ended/allowances,
    subscription_ended/unapplied,
    written_off/unearned, written_off/earned, written_off/receivable, written_off/credit,
    written_off/written_off, written_off/credit_held,
    refund_reserved/unapplied, refund_reserved/credit, refund_reserved/unearned, refund_reserved/earned,
    refund_reserved/allowances, refund_reserved/refunding, refund_reserved/cash, refund_reserved/credit_held,
    refund_settled/refunding, refund_settled/cash,
    refund_failed/refunding, refund_failed/cash,
    refund_released/refunding, refund_released/credit, refund_released/unearned, refund_released/earned,
    refund_released/allowances, refund_released/unapplied, refund_released/written_off,
    dispute_opened/disputed, dispute_opened/cash, dispute_opened/unearned, dispute_opened/earned,
    dispute_opened/credit, dispute_opened/credit_held,
    dispute_won/disputed, dispute_won/cash, dispute_won/unearned, dispute_won/earned, dispute_won/credit,
    dispute_won/written_off, dispute_won/allowances,
    dispute_lost/disputed, dispute_lost/unapplied, dispute_lost/credit, dispute_lost/unearned,
    dispute_lost/earned, dispute_lost/written_off, dispute_lost/credit_held,
    credit_granted/allowances, credit_granted/credit,
    credit_corrected/allowances, credit_corrected/credit,
    opening/cash, opening/receivable, opening/unearned, opening/earned, opening/credit, opening/credit_held,
    opening/refunding, opening/unapplied, opening/disputed, opening/written_off, opening/forfeited,
    opening/allowances, opening/opening,
    reversal/cash, reversal/receivable, reversal/unearned, reversal/earned, reversal/credit,
    reversal/credit_held, reversal/refunding, reversal/unapplied, reversal/disputed, reversal/written_off,
    reversal/forfeited, reversal/allowances, reversal/opening
  }'::text[])) AS has_accounts
    FROM written GROUP BY "transaction_id"
  LOOP
    PERFORM FROM "ledger_transactions" AS whole
    WHERE whole."id" = entries.transaction_id AND entries.kinds = ARRAY[whole."kind"]
      AND entries.currencies = ARRAY[whole."currency"] AND entries.customers = ARRAY[whole."customer_id"]
      AND entries.subscriptions <@ ARRAY[whole."subscription_id"];
    IF NOT FOUND OR entries.total <> 0 OR NOT entries.has_accounts THEN
      RAISE EXCEPTION 'the entries of ledger transaction % do not sum to zero or contradict it', entries.transaction_id
        USING ERRCODE = 'check_violation', TABLE = 'ledger_entries', CONSTRAINT = 'ledger_entries_proved';
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
