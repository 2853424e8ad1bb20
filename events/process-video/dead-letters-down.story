dead-letter "not json": the message is not a job: expected ident at line 1 column 2 !! sqs: timeout
reply {"batchItemFailures":[{"itemIdentifier":"059f36b4-87a3-44ab-83d2-661975830a01"}]}
