update 0190a6a0-7c1e-7000-8000-0000000000a1: unreleased_attempts [a]
reply {"batchItemFailures":[]}
