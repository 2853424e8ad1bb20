publish 0190a6a0-7c1e-7000-8000-0000000000a1 done
note 0190a6a0-7c1e-7000-8000-0000000000a1 published
reply {"batchItemFailures":[]}
