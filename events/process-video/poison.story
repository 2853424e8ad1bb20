bury "not json": the message is not a job: expected ident at line 1 column 2
bury "{\"video_id\": \"../x\", \"user_id\": \"u1\"}": video_id "../x" cannot be part of a key
bury "{\"video_id\": \"0190a6a0-7c1e-7000-8000-0000000000a1\", \"user_i": the job names another user's video
status 0190a6a0-7c1e-7000-8000-0000000000a1 queued -> processing
fetch uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1 every 1000 ms
store frames/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1.zip 12 frames
status 0190a6a0-7c1e-7000-8000-0000000000a1 processing -> done
publish 0190a6a0-7c1e-7000-8000-0000000000a1 done
note 0190a6a0-7c1e-7000-8000-0000000000a1 published
reply {"batchItemFailures":[]}
