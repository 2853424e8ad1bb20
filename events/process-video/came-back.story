get 0190a6a0-7c1e-7000-8000-0000000000a1 !! dynamodb GetItem: ThrottlingException (400)
reply {"batchItemFailures":[{"itemIdentifier":"059f36b4-87a3-44ab-83d2-661975830a01"}]}
