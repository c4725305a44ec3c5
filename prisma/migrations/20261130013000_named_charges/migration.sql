-- AlterTable
ALTER TABLE "payment_attempts" ADD COLUMN     "named" JSONB;
