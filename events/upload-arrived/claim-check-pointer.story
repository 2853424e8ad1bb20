reply {"batchItemFailures":[{"itemIdentifier":"059f36b4-87a3-44ab-83d2-661975830a01"}]}
