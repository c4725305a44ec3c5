/** The status codes of gRPC that Temporal's answers are distinguished by; its SDK exports no values of them. */
export const grpcCodes = {
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  resourceExhausted: 8,
  aborted: 10,
} as const;
