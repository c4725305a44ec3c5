-- AlterTable
ALTER TABLE "payment_attempts" ADD COLUMN     "cancel_asked_at" TIMESTAMPTZ(3);
