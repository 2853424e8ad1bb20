reply {"batchItemFailures":[]}
