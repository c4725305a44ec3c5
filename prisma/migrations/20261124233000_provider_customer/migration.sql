-- AlterTable
ALTER TABLE "payment_methods" ADD COLUMN     "provider_customer" TEXT;
